/**
 * The score line: from the baseline's score to the text's, by what layer-wise gradients count against
 * and for the class.  In units of f, on an axis of its own.
 */
import { fill, sentences, sizes } from "../../evidence/design.js";
import { countDigits, formatNumber, formatSigned, layerInSentence } from "../../evidence/format.js";
import { abs, clamp, max, min, sum } from "../../evidence/maths.js";
import {
  createChangeTest,
  el,
  fontFamily,
  replaceContent,
  setAttributes,
  svg,
  textWidth,
  uniqueId,
  view,
} from "../../kit/dom.js";
import { hatchPattern, line, rect, svgText } from "../../kit/shapes.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */

const TOLD = sentences.text;
const { HEIGHT } = sizes.text;

export const scoreLineView = () => {
  const id = uniqueId();
  const title = el("b");
  const note = el("span");
  const g = svg("g");
  const figure = svg("svg", { role: "img", height: HEIGHT }, hatchPattern(id), g);
  const root = el("div.score-line", el("div.head", title, note), figure);
  const fresh = createChangeTest();
  const sized = createChangeTest();
  let width = 0;
  let family = "";

  /** @param {Scene} scene @param {number} outer */
  const measure = ({ unitEvidence: p, x }, outer) => {
    // Without a baseline there is no way from one score to the other.
    setAttributes(root, { hidden: !Number.isFinite(p.gain) });
    if (root.hidden || !sized(outer, x)) return;
    width = root.clientWidth;
    family = fontFamily(root);
  };
  /** @param {Scene} scene @param {number} outer */
  const draw = ({ unitEvidence: p, layer, x }, outer) => {
    if (root.hidden || !fresh(p, layer, outer) || !width) return;
    const b = layer ?? 0;
    const d = countDigits(max(abs(p.gain), 0.1));
    // Token by token whatever is shown: summing words first would let them cancel.
    const [plus, minus] = [1, -1].map((sign) => sum([...x.r[b]].map((v) => max(0, v * p.sign * sign))));
    replaceContent(title, fill(TOLD.line, { gain: formatSigned(p.gain, countDigits(abs(p.gain))) }));
    const left = Number.isFinite(p.delta[b]) ? fill(TOLD.delta, { delta: formatSigned(p.delta[b], 3) }) : "";
    replaceContent(
      note,
      fill(TOLD.line_note, {
        layer: b ? layerInSentence(x, b) : sentences.layers.the_embeddings,
        delta: left,
      }),
    );
    setAttributes(figure, {
      width,
      viewBox: `0 0 ${width} ${HEIGHT}`,
      label:
        `Baseline score ${formatNumber(p.baseline, d)}; words opposing ${p.name} take ` +
        `${formatNumber(minus, d)}, ` +
        `those supporting it add ${formatNumber(plus, d)}; score of the text ${formatNumber(p.score, d)}.`,
    });
    replaceContent(g, ...drawn(p.baseline, p.score, plus, minus, width, d, id, family));
  };
  return view(root, draw, measure);
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
  /**
   * Both ends are named under the axis, on two lines where they would meet.
   * @param {number} x @param {string} name @param {string} kind
   */
  const end = (x, name, kind) => {
    const w = textWidth(name, 12, family, kind ? 600 : 400) + 4;
    const left = clamp(x - w / 2, 0, width - w);
    const meets = left < taken[1] + 8 && left + w > taken[0] - 8;
    taken = [left, left + w];
    return svgText(`name ${kind}`, left, meets ? 94 : 80, name);
  };
  return [
    // The line passes behind the names.
    line("edge", from, from, 16, axis),
    svgText("opposes halo", turn, 11, fill(TOLD.opposing, { value: formatSigned(-minus, d) })),
    svgText("supports halo", turn, 37, fill(TOLD.supporting, { value: formatSigned(plus, d) })),
    bar("opp", from, 16),
    bar("", from, 16, { fill: `url(#${hatch})` }),
    bar("sup", reached, 42),
    line("rule", 0, width, axis, axis),
    line("edge", from, from, 42, axis),
    line("gain", from, to, axis, axis),
    line("ink", to, to, 42, axis + 5),
    end(from, fill(TOLD.baseline, { value: formatNumber(baseline, d) }), ""),
    end(to, fill(TOLD.score, { value: formatNumber(score, d) }), "strong bold"),
  ];
};
