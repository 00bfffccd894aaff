/** The words under the flow, sentence ends, and the marks where a word changes sign. */
import { short } from "../lib/format.js";
import { bare } from "../lib/units.js";
import { svg } from "./dom.js";

const NAME = 16;

/**
 * @param {SVGGElement} g
 * @param {import("../lib/scene.js").Scene} scene
 * @param {import("../lib/layout.js").Layout} layout
 * @param {import("../lib/axis.js").Label[]} labels
 */
export function drawAxis(g, scene, layout, labels) {
  const { picture: p, units, active, state } = scene;
  const { strips, bottom, column, x, rtl, first, last } = { rtl: scene.rtl, ...layout };
  const seen = (/** @type {number} */ unit) => unit >= first && unit < last;
  const upto = state.play ?? strips.length;

  for (const flip of p.flips.filter((f) => seen(f.unit)).slice(0, layout.middle ? 14 : 8)) {
    if (flip.b > upto) continue;
    const y = (strips[flip.b].top + strips[flip.b].height + strips[flip.b - 1].top) / 2;
    const opacity = state.layer !== null && state.layer !== flip.b ? 0.3 : 1;
    g.append(svg("path", { class: "flip", d: `M${x(flip.unit)},${y - 4}l4,4l-4,4l-4,-4z`, opacity }));
  }
  // Leaders first: those of the lower row pass behind the words of the upper one.
  for (const { unit, y, row } of labels)
    if (row >= 0) g.append(svg("line", { class: "rule", x1: x(unit), x2: x(unit), y1: bottom + 2, y2: y - 10 }));
  for (const label of labels) {
    const { unit, y, row } = label;
    const chosen = active.includes(unit);
    const role = units.special[unit]
      ? "small"
      : chosen
        ? `bold ${p.net[unit] < 0 ? "opposes" : "supports"}`
        : "soft";
    const name = units.special[unit] ? bare(units.names[unit]) : short(units.names[unit], NAME);
    g.append(
      svg(
        "text",
        {
          class: `${role} ${row >= 0 ? "halo" : ""} ${label.anchor}`,
          style: units.special[unit] ? null : `font-size:${layout.font}px`,
          x: label.x,
          y,
          transform: label.rotate ? `rotate(${label.rotate} ${label.x} ${y})` : null,
          "data-unit": unit,
          // Anchors are meant left to right whatever the word is written in.
          direction: "ltr",
        },
        name,
      ),
    );
  }
  if (layout.axis !== "thin") return;
  for (const stop of units.stops.filter(seen)) {
    const at = Math.round(x(stop) + ((rtl ? -1 : 1) * column) / 2) + 0.5;
    g.append(svg("line", { class: "mark", x1: at, x2: at, y1: bottom + 1, y2: bottom + 7 }));
  }
}
