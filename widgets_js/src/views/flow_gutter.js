/** Left and right of the strips: layer names and weights; evidence entering, net, error. */
import { error, layerName, number, signed } from "../lib/format.js";
import { svg } from "./dom.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */
/** @typedef {import("../lib/layout.js").Layout} Layout */

/** Labels closer than this are thinned out. */
const LINE = 13;
/** From this relative error on the figure is bold. */
const BOLD = 0.01;

/** @param {SVGGElement} g @param {Scene} scene @param {Layout} layout @param {string} hatch id of the pattern */
export function drawGutter(g, scene, layout, hatch) {
  const { strips, x0, x1, width, wide, middle, output, bottom } = layout;
  const L = strips.length;
  const axis = Math.round(wide ? x1 + 66 : middle ? x1 + 44 : x1 + 26) + 0.5;
  const reach = wide ? 42 : middle ? 28 : 20;
  const head = strips[L - 1].top - 14;
  const text = (/** @type {Record<string, any>} */ a, /** @type {string} */ t) => g.append(svg("text", a, t));

  g.append(svg("line", { class: "rule", x1: x0, x2: x1, y1: output, y2: output }));
  if (middle) {
    text({ class: "end", x: x0 - 20, y: output + 4 }, "Output");
    text({ class: "middle", x: axis, y: head }, wide ? "evidence entering" : "entering");
    text({ class: "end", x: wide ? width - 50 : width, y: head }, "net");
    if (wide) text({ class: "end", x: width, y: head }, "error");
  }
  let last = Infinity;
  for (let b = 0; b < L; b++) {
    const named = last - strips[b].mid >= LINE || b === scene.state.layer;
    if (named) last = strips[b].mid;
    row(g, scene, layout, b, { axis, reach, named, hatch });
  }
  g.append(svg("line", { class: "mark", x1: axis, x2: axis, y1: strips[L - 1].top - 6, y2: bottom + 4 }));
}

/**
 * @param {SVGGElement} g @param {Scene} scene @param {Layout} layout @param {number} b
 * @param {{axis: number, reach: number, named: boolean, hatch: string}} place
 */
function row(g, { picture: p, state, x }, layout, b, { axis, reach, named, hatch }) {
  const { strips, x0, width, wide, middle } = layout;
  const { mid, top, height } = strips[b];
  const upto = state.play ?? strips.length;
  const on = state.layer === b;
  const opacity = (state.layer !== null && !on) || b > Math.floor(upto) ? 0.4 : 1;
  const add = (/** @type {SVGElement} */ node) => {
    node.setAttribute("opacity", String(opacity));
    g.append(node);
  };
  const ink = on ? "strong" : "soft";
  if (named) {
    const weight = number(x.weights[b]);
    const twoLines = height + (layout.above(b) ? strips[b].top - layout.above(b) : 0) >= 36;
    if (!middle) add(svg("text", { class: `${ink} end`, x: x0 - 12, y: mid + 4 }, String(b)));
    else if (wide && b > 0 && twoLines) {
      add(svg("text", { class: `${ink} end name`, x: x0 - 20, y: mid - 2 }, layerName(b, strips.length)));
      add(svg("text", { class: "end small", x: x0 - 20, y: mid + 12 }, `weight ${weight}`));
    } else {
      const name = svg("text", { class: `${ink} end name`, x: x0 - 20, y: mid + 4 }, layerName(b, strips.length));
      if (wide && b > 0) name.append(svg("tspan", { class: "small", dx: 5 }, weight));
      add(name);
    }
  }
  const tall = Math.max(2.5, Math.min(1, x.weights[b]) * layout.slot);
  g.append(svg("line", { class: "slot", x1: x0 - 8.5, x2: x0 - 8.5, y1: top, y2: top + height }));
  add(svg("line", { class: `weight ${on ? "on" : ""}`, x1: x0 - 8.5, x2: x0 - 8.5, y1: mid - tall / 2, y2: mid + tall / 2 }));

  const [plus, minus] = [p.entering.supporting[b], p.entering.opposing[b]];
  const bar = Math.min(9, Math.max(4, height * 0.5));
  const box = (/** @type {number} */ from, /** @type {number} */ w, /** @type {Record<string, any>} */ more) =>
    add(svg("rect", { x: from, y: mid - bar / 2, width: Math.max(0, w), height: bar, ...more }));
  const left = (reach * minus) / p.entering.largest;
  box(axis - left, left, { class: "opp" });
  if (bar > 4) box(axis - left, left, { fill: `url(#${hatch})` });
  box(axis, (reach * plus) / p.entering.largest, { class: "sup" });
  if (!named || !middle) return;
  add(svg("text", { class: "soft end", x: wide ? width - 50 : width, y: mid + 4 }, signed(plus - minus)));
  const e = p.errors[b];
  if (wide) add(svg("text", { class: `end ${e > BOLD ? "strong" : ""}`, x: width, y: mid + 4 }, error(e)));
}
