/** Left and right of the strips: layer names and weights; evidence entering, net, error. */
import { fill, sentences, sizes } from "../../evidence/design.js";
import { formatError, formatNumber, formatSigned, layerName } from "../../evidence/format.js";
import { clamp, floor, max, round } from "../../evidence/maths.js";
import { svg } from "../../kit/dom.js";
import { line, rect, svgText } from "../../kit/shapes.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */
/** @typedef {import("../../geometry/flow_layout.js").Layout} Layout */

const TOLD = sentences.flow;
/** Labels closer than this are thinned out. */
const { LINE } = sizes.gutter;
/** From this relative error on the figure is bold. */
const { BOLD } = sizes.gutter;

/**
 * @param {Scene} scene @param {Layout} layout @param {string} hatch id of the pattern
 * @returns {SVGElement[]}
 */
export const drawGutter = ({ unitEvidence: p, state, x }, layout, hatch) => {
  const { strips, x0, x1, width, wide, middle, output, bottom } = layout;
  const L = strips.length;
  const axis = round(wide ? x1 + 66 : middle ? x1 + 44 : x1 + 26) + 0.5;
  const reach = (wide ? 42 : middle ? 28 : 20) / p.entering.largest;
  const head = strips[L - 1].top - 14;
  // Not every method has an error.
  const told = wide && p.errors.some(Number.isFinite);
  const net = told ? width - 50 : width;
  const upto = floor(state.play ?? L);
  /** @type {SVGElement[]} */
  const nodes = [line("rule", x0, x1, output, output)];
  if (middle)
    nodes.push(
      svgText("end", x0 - 20, output + 4, sentences.layers.output),
      svgText("middle", axis, head, wide ? TOLD.evidence_entering : TOLD.entering),
      svgText("end", net, head, TOLD.net_head),
    );
  if (told) nodes.push(svgText("end", width, head, TOLD.error_head));
  let last = Infinity;
  strips.forEach(({ mid, top, height }, b) => {
    const on = state.layer === b;
    const named = last - mid >= LINE || on;
    const side = x0 - 8.5;
    const tall = clamp(x.weights[b], 0, 1) * layout.slot;
    const half = max(2.5, tall) / 2;
    const [plus, minus] = [p.entering.supporting[b], p.entering.opposing[b]];
    const bar = clamp(height * 0.5, 4, 9);
    const box = (
      /** @type {string} */ kind,
      /** @type {number} */ from,
      /** @type {number} */ w,
      /** @type {any} */ more = {},
    ) => rect(kind, from, mid - bar / 2, max(0, w), bar, more);
    const left = reach * minus;
    /** @type {import("../../kit/dom.js").Child[]} */
    const row = [
      line(`weight ${on ? "on" : ""}`, side, side, mid - half, mid + half),
      box("opp", axis - left, left),
      bar > 4 && box("", axis - left, left, { fill: `url(#${hatch})` }),
      box("sup", axis, reach * plus),
    ];
    if (named) {
      last = mid;
      const ink = on ? "strong" : "soft";
      const weight = formatNumber(x.weights[b]);
      const open = wide && b > 0;
      const twoLines = open && height + top - layout.above(b) >= 36;
      const name = layerName(x, b);
      if (!middle) row.push(svgText(`${ink} end`, x0 - 12, mid + 4, `${b}`));
      else {
        row.push(
          svgText(
            `${ink} end name`,
            x0 - 20,
            mid + (twoLines ? -2 : 4),
            name,
            open && !twoLines && svg("tspan.small", { dx: 5 }, weight),
          ),
        );
        if (twoLines) row.push(svgText("end small", x0 - 20, mid + 12, fill(TOLD.weight, { weight })));
        row.push(svgText("soft end", net, mid + 4, formatSigned(plus - minus)));
      }
      const e = p.errors[b];
      if (told) row.push(svgText(`end ${e > BOLD ? "strong" : ""}`, width, mid + 4, formatError(e)));
    }
    const dim = (state.layer !== null && !on) || b > upto;
    nodes.push(line("slot", side, side, top, top + height), svg("g", { opacity: dim && 0.4 }, ...row));
  });
  return [...nodes, line("mark", axis, axis, strips[L - 1].top - 6, bottom + 4)];
};
