/**
 * The score line: from the baseline's score to the text's, by what layer-wise gradients count against
 * and for the class.  In units of f, on an axis of its own.
 */
import { digits, layerName, number, signed } from "../lib/format.js";
import { differ, el, instance, set, svg, textWidth } from "./dom.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */

const HEIGHT = 98;

export function scoreLineView() {
  const id = instance();
  const title = el("b");
  const note = el("span");
  const g = svg("g");
  const defs = svg(
    "defs",
    {},
    svg(
      "pattern",
      { id, width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      svg("rect", { class: "gap", width: 1.4, height: 4 }),
    ),
  );
  const figure = svg("svg", { role: "img", height: HEIGHT }, defs, g);
  const root = el("div", { class: "score-line" }, el("div", { class: "head" }, title, note), figure);
  const fresh = differ();
  const sized = differ();
  let width = 0;
  let family = "";

  return Object.assign(root, {
    /** @param {Scene} scene @param {number} outer width of the widget */
    draw({ picture: p, layer, x }, outer) {
      if (!fresh(p, layer, outer)) return;
      if (sized(outer, x)) {
        width = root.clientWidth;
        family = getComputedStyle(root).fontFamily;
      }
      if (!width) return;
      const b = layer ?? 0;
      const where = layerName(b, x.weights.length).toLowerCase();
      const d = digits(Math.max(Math.abs(p.gain), 0.1));
      // Token by token whatever is shown: summing words first would let them cancel.
      const row = x.r[b].map((v) => v * p.sign);
      const plus = row.reduce((a, v) => a + Math.max(0, v), 0);
      const minus = row.reduce((a, v) => a + Math.max(0, -v), 0);
      title.textContent = `f(x) − f(x′) = ${signed(p.gain, d)}`;
      note.textContent = `in units of the score; gradients at ${b ? where : "the embeddings"}, Δ ${signed(p.delta[b], 3)}`;
      set(figure, {
        width,
        viewBox: `0 0 ${width} ${HEIGHT}`,
        "aria-label":
          `From the baseline score ${number(p.baseline, d)} the words that oppose ${p.name} take ${number(minus, d)}, ` +
          `those that support it add ${number(plus, d)}; the text's score is ${number(p.score, d)}.`,
      });
      g.replaceChildren();
      draw(g, { ...p, plus, minus, width, d, hatch: `url(#${id})`, family });
    },
  });
}

/**
 * @param {SVGGElement} g
 * @param {{baseline: number, score: number, plus: number, minus: number, width: number, d: number, hatch: string, family: string}} v
 */
function draw(g, { baseline, score, plus, minus, width, d, hatch, family }) {
  if (![baseline, score, plus, minus].every(Number.isFinite)) return;
  const low = Math.min(baseline - minus, score, baseline);
  const high = Math.max(baseline - minus + plus, score, baseline);
  const at = (/** @type {number} */ value) => 2 + ((value - low) / (high - low || 1)) * (width - 4);
  const turn = at(baseline - minus);
  const [from, to, reached] = [at(baseline), at(score), at(baseline - minus + plus)];
  const text = (/** @type {Record<string, any>} */ a, /** @type {string} */ t) => g.append(svg("text", a, t));
  const bar = (/** @type {number} */ a, /** @type {number} */ b, /** @type {number} */ y, /** @type {Record<string, any>} */ more) =>
    g.append(svg("rect", { x: Math.min(a, b), y, width: Math.max(0.5, Math.abs(b - a)), height: 9, ...more }));

  bar(turn, from, 16, { class: "opp" });
  bar(turn, from, 16, { fill: hatch });
  text({ x: turn, y: 11, class: "opposes" }, `opposing ${signed(-minus, d)}`);
  bar(turn, reached, 42, { class: "sup" });
  text({ x: turn, y: 37, class: "supports" }, `supporting ${signed(plus, d)}`);

  const axis = 64.5;
  g.append(svg("line", { class: "rule", x1: 0, x2: width, y1: axis, y2: axis }));
  g.append(svg("line", { class: "edge", x1: from, x2: from, y1: 16, y2: axis }));
  g.append(svg("line", { class: "gain", x1: from, x2: to, y1: axis, y2: axis }));
  g.append(svg("line", { class: "ink", x1: to, x2: to, y1: 42, y2: axis + 5 }));
  labels(g, [
    { x: from, name: `baseline f(x′) ${number(baseline, d)}`, kind: "" },
    { x: to, name: `this text f(x) ${number(score, d)}`, kind: "strong bold" },
  ], width, family);
}

/** Both ends named under the axis, on two lines where they would meet. @param {SVGGElement} g @param {{x: number, name: string, kind: string}[]} ends @param {number} width @param {string} family */
function labels(g, ends, width, family) {
  let taken = [Infinity, -Infinity];
  for (const { x, name, kind } of ends) {
    const w = textWidth(name, 12, family, kind ? 600 : 400) + 4;
    const left = Math.min(Math.max(0, x - w / 2), width - w);
    const meets = left < taken[1] + 8 && left + w > taken[0] - 8;
    g.append(svg("text", { class: `name ${kind}`, x: left, y: meets ? 94 : 80 }, name));
    taken = [left, left + w];
  }
}
