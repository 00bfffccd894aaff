/**
 * The score line: from the baseline's score to the text's, by what layer-wise gradients count against
 * and for the class.  In units of f, on an axis of its own.
 */
import { digits, layerIn, MINUS, number, signed } from "../../evidence/format.js";
import { abs, clamp, max, min, sum } from "../../evidence/maths.js";
import { differ, el, familyOf, instance, put, set, svg, textWidth, view } from "../../kit/dom.js";
import { hatch, line, rect, words } from "../../kit/shapes.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */

const HEIGHT = 98;

export const scoreLineView = () => {
  const id = instance();
  const title = el("b");
  const note = el("span");
  const g = svg("g");
  const figure = svg("svg", { role: "img", height: HEIGHT }, hatch(id), g);
  const root = el("div.score-line", el("div.head", title, note), figure);
  const fresh = differ();
  const sized = differ();
  let width = 0;
  let family = "";

  const survey = (/** @type {Scene} */ { picture: p, x }, /** @type {number} */ outer) => {
    // Without a baseline there is no way from one score to the other.
    set(root, { hidden: !Number.isFinite(p.gain) });
    if (root.hidden || !sized(outer, x)) return;
    width = root.clientWidth;
    family = familyOf(root);
  };
  const draw = (/** @type {Scene} */ { picture: p, layer, x }, /** @type {number} */ outer) => {
    if (root.hidden || !fresh(p, layer, outer) || !width) return;
    const b = layer ?? 0;
    const d = digits(max(abs(p.gain), 0.1));
    // Token by token whatever is shown: summing words first would let them cancel.
    const [plus, minus] = [1, -1].map((sign) => sum([...x.r[b]].map((v) => max(0, v * p.sign * sign))));
    put(title, `f(x) ${MINUS} f(x′) = ${signed(p.gain, digits(abs(p.gain)))}`);
    const left = Number.isFinite(p.delta[b]) ? `, Δ\u00a0${signed(p.delta[b], 3)}` : "";
    put(note, `in units of the score; gradients at ${b ? layerIn(x, b) : "the embeddings"}${left}`);
    set(figure, {
      width,
      viewBox: `0 0 ${width} ${HEIGHT}`,
      label:
        `Baseline score ${number(p.baseline, d)}; words opposing ${p.name} take ${number(minus, d)}, ` +
        `those supporting it add ${number(plus, d)}; score of the text ${number(p.score, d)}.`,
    });
    put(g, ...drawn(p.baseline, p.score, plus, minus, width, d, id, family));
  };
  return view(root, draw, survey);
};

/**
 * @param {number} baseline @param {number} score @param {number} plus @param {number} minus
 * @param {number} width @param {number} d @param {string} hatch @param {string} family
 */
const drawn = (baseline, score, plus, minus, width, d, hatch, family) => {
  const ends = [baseline, score, baseline - minus, baseline - minus + plus];
  if (!ends.every(Number.isFinite)) return [];
  const low = min(...ends);
  const [from, to, turn, reached] = ends.map(
    (v) => 2 + ((v - low) / (max(...ends) - low || 1)) * (width - 4),
  );
  const axis = 64.5;
  const bar = (
    /** @type {string} */ kind,
    /** @type {number} */ end,
    /** @type {number} */ y,
    /** @type {any} */ more = {},
  ) => rect(kind, min(turn, end), y, max(0.5, abs(end - turn)), 9, more);
  let taken = [Infinity, -Infinity];
  /** Both ends are named under the axis, on two lines where they would meet. @param {number} x @param {string} name @param {string} kind */
  const end = (x, name, kind) => {
    const w = textWidth(name, 12, family, kind ? 600 : 400) + 4;
    const left = clamp(x - w / 2, 0, width - w);
    const meets = left < taken[1] + 8 && left + w > taken[0] - 8;
    taken = [left, left + w];
    return words(`name ${kind}`, left, meets ? 94 : 80, name);
  };
  return [
    // The line passes behind the names.
    line("edge", from, from, 16, axis),
    words("opposes halo", turn, 11, `opposing ${signed(-minus, d)}`),
    words("supports halo", turn, 37, `supporting ${signed(plus, d)}`),
    bar("opp", from, 16),
    bar("", from, 16, { fill: `url(#${hatch})` }),
    bar("sup", reached, 42),
    line("rule", 0, width, axis, axis),
    line("edge", from, from, 42, axis),
    line("gain", from, to, axis, axis),
    line("ink", to, to, 42, axis + 5),
    end(from, `baseline f(x′) ${number(baseline, d)}`, ""),
    end(to, `this text f(x) ${number(score, d)}`, "strong bold"),
  ];
};
