/** The picture in sentences, as parts that a view can make clickable. */

import {
  countDigits,
  formatNumber,
  formatSigned,
  layerInSentence,
  layerName,
  shorten,
} from "../evidence/format.js";
import { abs, ceil, floor, max, range, round, sortStrongestFirst, sum } from "../evidence/maths.js";

/** @typedef {import("../evidence/scene.js").Scene} Scene */
/**
 * @typedef {string | {unit: number, text: string, strong?: undefined} | {strong: string, unit?: undefined,
 *   text?: undefined}} Part
 */

export const ON_THEIR_WAY = "The attention matrices are on their way";
/** Below this weight a block adds next to nothing. */
export const CLOSED = 0.03;

/** @param {Scene} scene @param {number} unit @returns {Part} */
const word = ({ units }, unit) => ({ unit, text: shorten(units.labels[unit], 24) });

/** @param {Part[][]} items @param {string} [last] @returns {Part[]} */
const listed = (items, last = " and ") =>
  items.flatMap((item, i) => (i === 0 ? item : [i === items.length - 1 ? last : ", ", ...item]));

/** @param {Scene} scene @returns {Part[]} */
export const holesStory = ({ x }) => {
  const [b, i, k] = x.gaps[0];
  const n = x.lost;
  const place = `“${x.tokens[k]}”${i === k ? "" : ` → “${x.tokens[i]}”`}`;
  return [
    `${n === 1 ? "One value is" : `${n} values are`} not a number (${layerInSentence(x, b)}, ` +
      `${place}${n > 1 ? ", …" : ""}): × where it would be drawn, counted as zero.`,
  ];
};

/**
 * Where a unit, or one cell of the matrix, holds what is not a number.
 * @param {Scene} scene @param {number} column @param {number} [row] @param {(b: number) => boolean} [counts]
 */
export const layersOfLost = ({ x, units: { of } }, column, row, counts = () => true) => {
  const found = x.gaps.filter(
    ([b, i, k]) => of[k] === column && (row === undefined || of[i] === row) && counts(b),
  );
  return [...new Set(found.map(([b]) => layerInSentence(x, b)))].join(", ");
};

/** What the ribbons on screen amount to. @param {Scene} scene */
const ribbons = (scene) => {
  const { active, exact, ancestry } = scene;
  if (!exact) return ` ${ON_THEIR_WAY}; until then the values are first-order and ribbons are missing.`;
  const found = active.map(ancestry).filter((f) => f !== null);
  /** @param {(f: import("../evidence/scene.js").Ancestry) => number} part */
  const of = (part) => sum(found.map(part));
  const count = of((f) => f.edges.length);
  const total = of((f) => f.total);
  if (!count || !total || found.length < active.length) return "";
  const drawn = of((f) => f.drawn);
  return (
    ` ${count} ribbon${count === 1 ? " carries" : "s carry"} ${round((drawn / total) * 100)} % ` +
    `of ${found.length === 1 ? "its" : "their"} evidence.`
  );
};

/**
 * Words, each with its net evidence.
 * @param {Scene} scene @param {number[]} units @param {number[]} values @param {number} d
 * @returns {Part[][]}
 */
const weighed = (scene, units, values, d) =>
  units.map((u) => [word(scene, u), ` ${formatSigned(values[u], d)}`]);

/** @param {Scene} scene @returns {Part[]} */
export const restStory = (scene) => {
  const { unitEvidence: p, active, state } = scene;
  const d = countDigits(p.largest);
  const ranked = sortStrongestFirst(active, p.net);
  if (!ranked.length) return [`No ${state.granularity} carries evidence.`, ribbons(scene)];
  const head =
    p.order.length === 1
      ? `The only ${state.granularity}: `
      : `The ${ranked.length} strongest ${state.granularity}s: `;
  return [head, ...listed(weighed(scene, ranked, p.net, d), ", "), ".", ribbons(scene)];
};

/** @param {Scene} scene @returns {Part[]} */
export const chosenStory = (scene) => {
  const { unitEvidence: p, active } = scene;
  const d = countDigits(p.largest);
  if (active.length > 1) return [...listed(weighed(scene, active, p.net, d)), ".", ribbons(scene)];
  const u = active[0];
  const rank = p.order.indexOf(u);
  return [
    word(scene, u),
    ` brings ${formatNumber(p.supporting[u], d)} for and ${formatNumber(p.opposing[u], d)} against ` +
      `${p.name}: `,
    { strong: `net ${formatSigned(p.net[u], d)}` },
    rank < 0 ? "." : `, rank ${rank + 1} of ${p.order.length}.`,
    ribbons(scene),
  ];
};

/** @param {Scene} scene @param {number} b @returns {Part[]} */
export const layerStory = (scene, b) => {
  const { unitEvidence: p, x } = scene;
  const where = `${layerName(x, b)}: `;
  const entering = p.entering.supporting[b] + p.entering.opposing[b];
  const total = p.total.supporting + p.total.opposing || 1;
  const tail = ` ${formatNumber((entering / total) * 100, 0)} % of the evidence enters here.`;
  const row = p.cells[b];
  // Weak words change sign and rank by chance: the story is told about the strong ones.
  const strong = p.order.slice(0, max(6, ceil(p.order.length * 0.15)));
  if (!strong.length) return [where, "nothing to weigh."];
  if (b > 0 && x.weights[b] < CLOSED)
    return [where, `closed, weight ${formatNumber(x.weights[b])}: almost nothing enters.`];
  const flip = p.flips.find((f) => f.b === b);
  if (flip)
    return [where, word(scene, flip.unit), ` turns ${flip.to > 0 ? "supporting" : "opposing"}.`, tail];
  if (b === 0) {
    const best = strong.reduce((a, u) => (row[u] > row[a] ? u : a));
    const worst = strong.reduce((a, u) => (row[u] < row[a] ? u : a));
    const parts = [];
    if (row[best] > 0) parts.push([word(scene, best), " supports most"]);
    if (row[worst] < 0) parts.push([word(scene, worst), " opposes most"]);
    return [where, ...listed(parts, ", "), ".", tail];
  }
  /** @param {number} u */
  const grown = (u) => abs(row[u]) - abs(p.cells[b - 1][u]);
  const most = strong.reduce((a, u) => (abs(grown(u)) > abs(grown(a)) ? u : a));
  return [
    where,
    word(scene, most),
    ` ${row[most] > 0 ? "supports" : "opposes"} ${grown(most) > 0 ? "more" : "less"} strongly.`,
    tail,
  ];
};

/** @param {Scene} scene @returns {Part[]} */
export const verdict = ({ unitEvidence: { total, name } }) => {
  return [
    `Decision: ${formatNumber(total.supporting)} supporting, ${formatNumber(total.opposing)} opposing, `,
    { strong: `net ${formatSigned(total.net)}` },
    ` for ${name}.`,
  ];
};

/**
 * The whole in one sentence: who speaks for the class and who against it.
 * @param {Scene} scene @returns {Part[]}
 */
export const sumStory = (scene) => {
  const { unitEvidence: p, x, layer, units, evidence } = scene;
  const ordinary = sortStrongestFirst(
    range(units.count).filter((u) => !units.special[u]),
    evidence,
  );
  const largest = abs(evidence[ordinary[0]] ?? 0);
  const d = countDigits(largest);
  /** @param {1 | -1} sign @param {string} verb @returns {Part[][]} */
  const side = (sign, verb) => {
    const strong = ordinary.filter((u) => sign * evidence[u] > 0.02 * largest).slice(0, 2);
    return strong.length
      ? [[...listed(weighed(scene, strong, evidence, d)), ` speak${strong.length > 1 ? "" : "s"} ${verb} `]]
      : [];
  };
  const sides = [...side(1, "for"), ...side(-1, "against")];
  const L = x.weights.length;
  const where =
    layer === null && L > 1 ? `Over all ${L} layers ` : `In ${layer ? `layer ${layer}` : "the embeddings"} `;
  if (!sides.length) return [where, "no word carries evidence."];
  return [
    where,
    ...sides.flatMap((parts, i) => [...(i ? ["; "] : []), ...parts, i ? "it" : p.name]),
    ". ",
    { strong: `Net ${formatSigned(sum(evidence), d)}` },
    ", in shares.",
    ...(scene.exact ? [] : [ribbons(scene)]),
  ];
};

/** @param {Scene} scene what the caption below the flow says now @returns {Part[]} */
export const flowStory = (scene) => {
  const { state, x, empty } = scene;
  const { play, preview, layer } = state;
  if (empty) return textStory(scene);
  if (play !== null) return play < x.weights.length ? layerStory(scene, floor(play)) : verdict(scene);
  if (preview !== null || state.selected.length) return chosenStory(scene);
  if (x.lost) return holesStory(scene);
  return layer === null ? restStory(scene) : layerStory(scene, layer);
};

/** @param {Scene} scene what the caption below the text says now @returns {Part[]} */
export const textStory = (scene) => {
  const { selected, layer, x, empty } = scene;
  if (empty)
    return ["There is no ordinary token to explain: give the explainer a text with at least one word."];
  if (x.lost && !selected.length) return holesStory(scene);
  // Without a word about ribbons, which this view does not draw.
  if (selected.length && layer === null)
    return chosenStory({ ...scene, active: selected, exact: true, ancestry: () => null });
  return sumStory(scene);
};
