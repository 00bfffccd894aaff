/** The picture in sentences, as parts that a view can make clickable. */
import { digits, layerName, number, short, signed } from "./format.js";

/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {string | {unit: number, text: string} | {strong: string}} Part */

/** Below this weight a block adds next to nothing. */
export const CLOSED = 0.03;

/** @param {Scene} scene @param {number} unit @returns {Part} */
const word = ({ units }, unit) => ({ unit, text: short(units.labels[unit], 24) });

/** @param {Part[][]} items @param {string} [last] @returns {Part[]} */
function listed(items, last = " and ") {
  return items.flatMap((item, i) => (i === 0 ? item : [i === items.length - 1 ? last : ", ", ...item]));
}

/** @param {Scene} scene @returns {Part[]} */
export function holesStory({ x }) {
  const [b, t] = x.holes[0];
  const n = x.holes.length;
  return [
    `${n === 1 ? "One value is" : `${n} values are`} not a number (${layerName(b, x.weights.length).toLowerCase()}, “${x.tokens[t]}”${n > 1 ? ", …" : ""}): drawn as ×, counted as zero.`,
  ];
}

/** @returns {Part[]} */
export const emptyStory = () => [
  "There is no ordinary token to explain: the input holds special tokens only. Give the explainer a text with at least one word.",
];

/** What the ribbons on screen amount to. @param {Scene} scene */
function ribbons(scene) {
  const found = scene.active.map(scene.ancestry);
  if (!scene.exact) return " The attention matrices are on their way; until then the values are first-order and ribbons are missing.";
  if (!found.length || found.some((f) => !f)) return "";
  const count = found.reduce((a, f) => a + (f?.edges.length ?? 0), 0);
  const total = found.reduce((a, f) => a + (f?.total ?? 0), 0);
  const drawn = found.reduce((a, f) => a + (f?.drawn ?? 0), 0);
  if (!count || !total) return "";
  return ` ${count} ribbon${count === 1 ? " carries" : "s carry"} ${Math.round((drawn / total) * 100)} % of ${found.length === 1 ? "its" : "their"} evidence.`;
}

/** @param {Scene} scene @returns {Part[]} */
export function restStory(scene) {
  const { picture: p, active, state } = scene;
  const d = digits(p.largest);
  const ranked = active.toSorted((a, b) => Math.abs(p.net[b]) - Math.abs(p.net[a]));
  if (!ranked.length) return [`No ${state.granularity} carries evidence.`, ribbons(scene)];
  const head =
    p.order.length === 1 ? `The only ${state.granularity}: ` : `The ${ranked.length} strongest ${state.granularity}s: `;
  return [
    head,
    ...listed(ranked.map((u) => [word(scene, u), ` ${signed(p.net[u], d)}`]), ", "),
    ".",
    ribbons(scene),
  ];
}

/** @param {Scene} scene @returns {Part[]} */
export function chosenStory(scene) {
  const { picture: p, active } = scene;
  const d = digits(p.largest);
  if (active.length > 1)
    return [...listed(active.map((u) => [word(scene, u), ` ${signed(p.net[u], d)}`])), ".", ribbons(scene)];
  const u = active[0];
  const rank = p.order.indexOf(u);
  return [
    word(scene, u),
    ` brings ${number(p.supporting[u], d)} for and ${number(p.opposing[u], d)} against ${p.name}: `,
    { strong: `net ${signed(p.net[u], d)}` },
    rank < 0 ? "." : `, rank ${rank + 1} of ${p.order.length}.`,
    ribbons(scene),
  ];
}

/** @param {Scene} scene @param {number} b @returns {Part[]} */
export function layerStory(scene, b) {
  const { picture: p, x } = scene;
  const L = x.weights.length;
  const where = `${layerName(b, L)}: `;
  const entering = p.entering.supporting[b] + p.entering.opposing[b];
  const total = p.total.supporting + p.total.opposing || 1;
  const tail = ` ${number((entering / total) * 100, 0)} % of the evidence enters here.`;
  const row = p.cells[b];
  // Weak words change sign and rank by chance: the story is told about the strong ones.
  const strong = p.order.slice(0, Math.max(6, Math.ceil(p.order.length * 0.15)));
  if (!strong.length) return [where, "nothing to weigh."];
  if (b > 0 && x.weights[b] < CLOSED)
    return [
      where,
      `closed, weight ${number(x.weights[b])}. Positions here no longer speak of their own words, so almost nothing enters.`,
    ];
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
  const grown = (/** @type {number} */ u) => Math.abs(row[u]) - Math.abs(p.cells[b - 1][u]);
  const most = strong.reduce((a, u) => (Math.abs(grown(u)) > Math.abs(grown(a)) ? u : a));
  return [
    where,
    word(scene, most),
    ` ${row[most] > 0 ? "supports" : "opposes"} ${grown(most) > 0 ? "more" : "less"} strongly.`,
    tail,
  ];
}

/** @param {Scene} scene @returns {Part[]} */
export function verdict({ picture: { total, name } }) {
  return [
    `Decision: ${number(total.supporting)} supporting, ${number(total.opposing)} opposing, `,
    { strong: `net ${signed(total.net)}` },
    ` for ${name}.`,
  ];
}

/** The whole in one sentence: who speaks for the class and who against it. @param {Scene} scene @returns {Part[]} */
export function sumStory(scene) {
  const { picture: p, x, layer, units } = scene;
  const values = layer === null ? p.net : p.cells[layer];
  const ordinary = [...values.keys()].filter((u) => !units.special[u]);
  const largest = ordinary.reduce((a, u) => Math.max(a, Math.abs(values[u])), 0);
  const d = digits(largest);
  const side = (/** @type {1 | -1} */ s) =>
    ordinary
      .filter((u) => s * values[u] > 0.02 * largest)
      .sort((a, b) => s * (values[b] - values[a]))
      .slice(0, 2)
      .map((u) => /** @type {Part[]} */ ([word(scene, u), ` ${signed(values[u], d)}`]));
  const plus = side(1);
  const minus = side(-1);
  const verb = (/** @type {Part[][]} */ list) => (list.length === 1 ? " speaks" : " speak");
  const L = x.weights.length;
  /** @type {Part[]} */
  const parts = [layer === null ? `Over all ${L} layers ` : `In ${layer ? `layer ${layer}` : "the embeddings"} `];
  if (!plus.length && !minus.length) return [...parts, "no word carries evidence."];
  if (plus.length) parts.push(...listed(plus), `${verb(plus)} for ${p.name}`);
  if (plus.length && minus.length) parts.push("; ");
  if (minus.length) parts.push(...listed(minus), `${verb(minus)} against ${plus.length ? "it" : p.name}`);
  const net = layer === null ? p.total.net : values.reduce((a, v) => a + v, 0);
  parts.push(". ", { strong: `Net ${signed(net, d)}` }, ", in shares.");
  if (!scene.exact) parts.push(ribbons(scene));
  return parts;
}

/** @param {Scene} scene what the caption below the flow says now @returns {Part[]} */
export function flowStory(scene) {
  const { state, x } = scene;
  const L = x.weights.length;
  if (scene.empty) return emptyStory();
  if (state.play !== null) return state.play >= L ? verdict(scene) : layerStory(scene, Math.floor(state.play));
  if (x.holes.length && state.preview === null && !state.selected.length) return holesStory(scene);
  if (state.layer !== null && state.preview === null && !state.selected.length)
    return layerStory(scene, state.layer);
  if (state.preview !== null || state.selected.length) return chosenStory(scene);
  return restStory(scene);
}

/** @param {Scene} scene what the caption below the text says now @returns {Part[]} */
export function textStory(scene) {
  if (scene.empty) return emptyStory();
  if (scene.x.holes.length && !scene.selected.length) return holesStory(scene);
  return scene.selected.length && scene.layer === null ? chosenWords(scene) : sumStory(scene);
}

/** The selected words without a word about ribbons, which this view does not draw. @param {Scene} scene */
function chosenWords(scene) {
  const without = { ...scene, active: scene.selected, exact: true, ancestry: () => null };
  return chosenStory(without);
}
