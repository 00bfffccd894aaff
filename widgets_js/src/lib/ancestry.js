/**
 * Where the evidence of one word travelled: every step from position k to position i in block b,
 *
 *     γ · M_b^s[i, k] · R_b^s[k, word]
 *
 * Over all (b, i, k) with i read out these sum to the word's supporting or opposing evidence exactly.
 */
import { sum, zeros } from "./maths.js";
import { readoutVector, stepUp } from "./fusion.js";

/** @typedef {import("./fusion.js").Signals} Signals */
/** @typedef {import("./fusion.js").Fusion} Fusion */

/**
 * @typedef {object} Edge
 * @property {number} b block
 * @property {number} k unit it leaves
 * @property {number} i unit it reaches
 * @property {number} mass
 * @property {1 | -1} sign
 */

/**
 * All steps of one word, between units.
 * @param {Signals} signals @param {Fusion} fusion
 * @param {number[]} word its tokens
 * @param {{of: ArrayLike<number>, count: number}} units
 * @param {number} [least] positions that hold less of the word pass it on, but their steps are not listed
 * @returns {Edge[]}
 */
export const steps = (signals, fusion, word, { of, count }, least = 1e-5) => {
  const T = signals.tokens;
  const readout = readoutVector(fusion, T);
  /** @type {Edge[]} */
  const edges = [];
  if (!signals.matrices) return edges;
  const held = [zeros(T), zeros(T)];
  for (const t of word) held[0][t] = held[1][t] = 1;
  for (let b = 0; b < signals.layers; b++) {
    list(b);
    stepUp(signals, fusion, b, held[0], held[1]);
  }
  return edges;

  /** Both signs at once: reading a matrix takes longer than the sums. @param {number} b */
  function list(b) {
    const w = fusion.gamma * fusion.weights[b];
    const G = signals.matrices?.[b];
    if (!w || !G) return;
    const across = w * (1 - fusion.lam) * signals.scales[b];
    const [plus, minus] = held.map((h) => h.map((v) => (v > least ? v : 0)));
    const sources = Int32Array.from([...plus.keys()].filter((k) => plus[k] || minus[k]));
    /** Place of each unit that is left, among those. @type {Map<number, number>} */
    const place = new Map();
    for (const k of sources) if (!place.has(of[k])) place.set(of[k], place.size * count);
    const row = Int32Array.from(sources, (k) => /** @type {number} */ (place.get(of[k])));
    const reached = [zeros(place.size * count), zeros(place.size * count)];
    const [up, down] = reached;
    for (let i = 0; i < T; i++) {
      if (!readout[i]) continue;
      const to = of[i];
      for (let s = 0, q = i * T; s < sources.length; s++) {
        const k = sources[s];
        const step = across * G[q + k];
        if (step > 0) up[row[s] + to] += step * plus[k];
        else down[row[s] + to] -= step * minus[k];
      }
    }
    sources.forEach((k, s) => {
      const own = readout[k] ? w * fusion.lam * signals.hidden[b][k] : 0;
      if (own > 0) up[row[s] + of[k]] += own * plus[k];
      else down[row[s] + of[k]] -= own * minus[k];
    });
    reached.forEach((masses, n) => {
      for (const [k, at] of place)
        for (let i = 0; i < count; i++)
          if (masses[at + i] > least * 1e-2) edges.push({ b, k, i, mass: masses[at + i], sign: n ? -1 : 1 });
    });
  }
};

/** What edges carry together. @param {{mass: number}[]} edges */
export const massOf = (edges) => sum(edges.map((e) => e.mass));

/**
 * The few steps worth drawing: the largest until they make up `share` of the word's evidence,
 * at most `most`, and only those that hang together with the word.
 * @param {Edge[]} edges @param {number} unit @param {number} total the word's evidence, both signs
 * @param {{share?: number, most?: number, connected?: boolean}} [options]
 * @returns {{edges: Edge[], drawn: number, total: number}}
 */
export const strongest = (edges, unit, total, { share = 0.8, most = 40, connected = true } = {}) => {
  const sorted = edges.toSorted((a, b) => b.mass - a.mass).slice(0, most);
  let held = 0;
  const kept = sorted.filter(({ mass }) => held < share * total && (held += mass)).sort((a, b) => a.b - b.b);
  const reached = new Set([`1 ${unit}`, `-1 ${unit}`]);
  const drawn = kept.filter((edge) => {
    const hangs = !connected || reached.has(`${edge.sign} ${edge.k}`);
    if (hangs) reached.add(`${edge.sign} ${edge.i}`);
    return hangs;
  });
  return { edges: drawn, drawn: massOf(drawn), total };
};
