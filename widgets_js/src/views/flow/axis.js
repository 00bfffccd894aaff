/** The words under the flow, sentence ends, and the marks where a word changes sign. */
import { sizes } from "../../evidence/design.js";
import { shorten } from "../../evidence/format.js";
import { round } from "../../evidence/maths.js";
import { stripBrackets } from "../../evidence/units.js";
import { setAttributes, svg } from "../../kit/dom.js";
import { line, stanceClass, svgText } from "../../kit/shapes.js";

const { NAME } = sizes.flow;

/**
 * A unit's name where there is little room.
 * @param {import("../../evidence/units.js").Units} units @param {number} unit
 */
export const unitName = ({ names, special }, unit) =>
  special[unit] ? stripBrackets(names[unit]) : shorten(names[unit], NAME);

/**
 * @param {import("../../evidence/scene.js").Scene} scene
 * @param {import("../../geometry/flow_layout.js").Layout} layout
 * @param {import("../../geometry/flow_labels.js").Label[]} labels
 * @returns {SVGElement[]}
 */
export const drawAxis = ({ unitEvidence: p, units, active, state, rtl }, layout, labels) => {
  const { strips, bottom, column, x, first, last } = layout;
  /** @param {number} unit */
  const seen = (unit) => unit >= first && unit < last;
  const upto = state.play ?? strips.length;
  const flips = p.flips
    .filter((f) => seen(f.unit))
    .slice(0, layout.middle ? 14 : 8)
    .filter((f) => f.b <= upto)
    .map(({ b, unit }) => {
      const y = (strips[b].top + strips[b].height + strips[b - 1].top) / 2;
      const opacity = state.layer !== null && state.layer !== b && 0.3;
      return svg("path.flip", { d: `M${x(unit)},${y - 4}l4,4l-4,4l-4,-4z`, opacity });
    });
  // Leaders first: those of the lower row pass behind the words of the upper one.
  const leaders = labels
    .filter(({ row }) => row >= 0)
    .map(({ unit, y }) => line("rule", x(unit), x(unit), bottom + 2, y - 10));
  const names = labels.map(({ unit, x, y, row, anchor, rotate }) => {
    const special = units.special[unit];
    const role = special ? "small" : active.includes(unit) ? `bold ${stanceClass(p.net[unit])}` : "soft";
    return setAttributes(
      svgText(`${role} ${row >= 0 ? "halo" : ""} ${anchor}`, x, y, unitName(units, unit)),
      {
        style: special ? null : `font-size:${layout.font}px`,
        transform: rotate ? `rotate(${rotate} ${x} ${y})` : null,
        "data-unit": unit,
        // Anchors are meant left to right whatever the word is written in.
        direction: "ltr",
      },
    );
  });
  const stops = layout.axis === "thin" ? units.stops.filter(seen) : [];
  const ends = stops.map((stop) => {
    const at = round(x(stop) + ((rtl ? -1 : 1) * column) / 2) + 0.5;
    return line("mark", at, at, bottom + 1, bottom + 7);
  });
  return [...leaders, ...names, ...ends, ...flips];
};
