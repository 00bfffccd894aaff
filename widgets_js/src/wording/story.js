/** The picture in sentences, as parts that a view can make clickable. */

import { fill, formats, sentences, sizes } from "../evidence/design.js";
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

const TOLD = sentences.story;

/**
 * The sentence of a template: text runs on, parts stay parts, and what stands between *stars* is bold.
 * @param {string} template @param {Record<string, string | number | Part | Part[]>} places
 * @returns {Part[]}
 */
export const tell = (template, places) => {
  /** @type {Part[]} */
  const story = [];
  let text = "";
  let strong = false;
  const close = () => {
    if (text) story.push(strong ? { strong: text } : text);
    text = "";
  };
  for (const piece of template.split(/(\*|\{\w+\})/)) {
    const value = piece[0] === "{" ? places[piece.slice(1, -1)] : piece;
    if (typeof value === "object") {
      close();
      story.push(...[value].flat());
    } else if (piece === "*") {
      close();
      strong = !strong;
    } else text += value;
  }
  close();
  return story;
};

export const ON_THEIR_WAY = "The attention matrices are on their way";
/** Below this weight a block adds next to nothing. */
export const { CLOSED } = sizes.scene;

/** @param {Scene} scene @param {number} unit @returns {Part} */
export const word = ({ units }, unit) => ({ unit, text: shorten(units.labels[unit], formats.NAME) });

/** @param {Part[][]} items @param {string} [last] @returns {Part[]} */
export const listed = (items, last = TOLD.and) =>
  items.flatMap((item, i) => (i === 0 ? item : [i === items.length - 1 ? last : ", ", ...item]));

/** @param {Scene} scene @returns {Part[]} */
export const holesStory = ({ x }) => {
  const [b, i, k] = x.gaps[0];
  const n = x.lost;
  /** @param {number} t */
  const name = (t) => shorten(x.tokens[t], formats.NAME);
  const place = fill(i === k ? TOLD.place : TOLD.step, {
    layer: layerInSentence(x, b),
    token: name(k),
    source: name(k),
    goal: name(i),
  });
  return tell(n === 1 ? TOLD.one_lost : TOLD.lost, { count: n, where: place + (n > 1 ? TOLD.more : "") });
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
  return fill(count > 1 ? TOLD.ribbons : TOLD.ribbon, {
    count,
    share: round((drawn / total) * 100),
    whose: found.length === 1 ? TOLD.its : TOLD.their,
  });
};

/**
 * Words, each with its net evidence.
 * @param {Scene} scene @param {number[]} units @param {number[]} values @param {number} d
 * @returns {Part[][]}
 */
const weighed = (scene, units, values, d) =>
  units.map((u) => tell(TOLD.word, { word: word(scene, u), value: formatSigned(values[u], d) }));

/** @param {Scene} scene @returns {Part[]} */
export const restStory = (scene) => {
  const { unitEvidence: p, active, state } = scene;
  const d = countDigits(p.largest);
  const ranked = sortStrongestFirst(active, p.net);
  return tell(!ranked.length ? TOLD.none : p.order.length === 1 ? TOLD.only : TOLD.strongest, {
    grain: state.granularity,
    count: ranked.length,
    words: listed(weighed(scene, ranked, p.net, d), ", "),
    ribbons: [ribbons(scene)],
  });
};

/**
 * What one word brings, and its rank.
 * @param {Scene} scene @param {number} unit @param {number} d @returns {Part[]}
 */
export const brings = (scene, unit, d) => {
  const { unitEvidence: p } = scene;
  const rank = p.order.indexOf(unit) + 1;
  return tell(TOLD.brings, {
    word: word(scene, unit),
    plus: formatNumber(p.supporting[unit], d),
    minus: formatNumber(p.opposing[unit], d),
    name: p.name,
    net: formatSigned(p.net[unit], d),
    rest: rank ? fill(TOLD.rank, { rank, count: p.order.length }) : ".",
  });
};

/** @param {Scene} scene @returns {Part[]} */
export const chosenStory = (scene) => {
  const { unitEvidence: p, active } = scene;
  const d = countDigits(p.largest);
  const tail = ribbons(scene);
  return active.length > 1
    ? tell(TOLD.chosen, { words: listed(weighed(scene, active, p.net, d)), ribbons: [tail] })
    : [...brings(scene, active[0], d), tail];
};

/** @param {Scene} scene @param {number} b @returns {Part[]} */
export const layerStory = (scene, b) => {
  const { unitEvidence: p, x } = scene;
  const where = fill(TOLD.layer, { layer: layerName(x, b) });
  const entering = p.entering.supporting[b] + p.entering.opposing[b];
  const total = p.total.supporting + p.total.opposing || 1;
  const tail = fill(TOLD.enters, { share: formatNumber((entering / total) * 100, 0) });
  const row = p.cells[b];
  // Weak words change sign and rank by chance: the story is told about the strong ones.
  const strong = p.order.slice(0, max(6, ceil(p.order.length * 0.15)));
  if (!strong.length) return [where, TOLD.nothing];
  if (b > 0 && x.weights[b] < CLOSED)
    return [where, `closed, weight ${formatNumber(x.weights[b])}: almost nothing enters.`];
  const flip = p.flips.find((f) => f.b === b);
  if (flip)
    return [
      where,
      ...tell(flip.to > 0 ? TOLD.turns_supporting : TOLD.turns_opposing, { word: word(scene, flip.unit) }),
      tail,
    ];
  if (b === 0) {
    const best = strong.reduce((a, u) => (row[u] > row[a] ? u : a));
    const worst = strong.reduce((a, u) => (row[u] < row[a] ? u : a));
    const parts = [];
    if (row[best] > 0) parts.push(tell(TOLD.supports_most, { word: word(scene, best) }));
    if (row[worst] < 0) parts.push(tell(TOLD.opposes_most, { word: word(scene, worst) }));
    return [where, ...listed(parts, ", "), ".", tail];
  }
  /** @param {number} u */
  const grown = (u) => abs(row[u]) - abs(p.cells[b - 1][u]);
  const most = strong.reduce((a, u) => (abs(grown(u)) > abs(grown(a)) ? u : a));
  const more = grown(most) > 0;
  const told =
    row[most] > 0
      ? more
        ? TOLD.supports_more
        : TOLD.supports_less
      : more
        ? TOLD.opposes_more
        : TOLD.opposes_less;
  return [where, ...tell(told, { word: word(scene, most) }), tail];
};

/** @param {Scene} scene @returns {Part[]} */
export const verdict = ({ unitEvidence: { total, name } }) =>
  tell(TOLD.verdict, {
    plus: formatNumber(total.supporting),
    minus: formatNumber(total.opposing),
    net: formatSigned(total.net),
    name,
  });

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
  /** @type {Part[][]} */
  const sides = [];
  for (const [sign, one, more] of /** @type {const} */ ([
    [1, TOLD.speaks_for, TOLD.speak_for],
    [-1, TOLD.speaks_against, TOLD.speak_against],
  ])) {
    const strong = ordinary.filter((u) => sign * evidence[u] > 0.02 * largest).slice(0, 2);
    const words = listed(weighed(scene, strong, evidence, d));
    const name = [sides.length ? TOLD.it : p.name];
    if (strong.length) sides.push(tell(strong.length > 1 ? more : one, { words, name }));
  }
  const layers = x.weights.length;
  const where =
    layer === null && layers > 1
      ? fill(TOLD.over_all, { layers })
      : layer
        ? fill(TOLD.in_layer, { layer })
        : TOLD.in_embeddings;
  if (!sides.length) return [where, TOLD.no_word];
  return [
    where,
    ...listed(sides, "; "),
    ...tell(TOLD.sum, { net: formatSigned(sum(evidence), d) }),
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
