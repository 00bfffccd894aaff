/**
 * Where the evidence of one word travelled: every step from position k to position i in block b,
 *
 *     γ · M_b^s[i, k] · R_b^s[k, word]
 *
 * Over all (b, i, k) with i read out these sum to the word's supporting or opposing evidence exactly.
 */

import { sizes } from "./design.js";
import { readoutVector, stepUp } from "./fusion.js";
import { abs, max, range, sum, times, zeros } from "./maths.js";

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

/** So many steps of a word are drawn at most. */
export const { MOST } = sizes.ribbons;
const { SHARE } = sizes.ribbons;

/** The largest size in each column. @param {ArrayLike<number>} G @param {number} T */
const peaksOf = (G, T) => {
  const peaks = zeros(T);
  for (let i = 0, q = 0; i < T; i++) for (let k = 0; k < T; k++, q++) peaks[k] = max(peaks[k], abs(G[q]));
  return peaks;
};

/**
 * All steps of one word, between units, or the largest.
 * @param {Signals} signals @param {Fusion} fusion
 * @param {number[]} word its tokens
 * @param {{of: ArrayLike<number>, count: number}} units
 * @param {number} [least] positions that hold less of the word pass it on, but their steps are not listed
 * @param {number} [most] no more than the largest so many, and then the largest first
 * @returns {Edge[]}
 */
export const steps = (signals, fusion, word, { of, count }, least = 1e-5, most = Infinity) => {
  const { tokens: T, matrices } = signals;
  /** @type {Edge[]} */
  let edges = [];
  if (!matrices) return edges;
  /** Those of each unit that are read out. @type {number[][]} */
  const goals = times(count, () => []);
  readoutVector(fusion, T).forEach((on, t) => {
    if (on) goals[of[t]].push(t);
  });
  const broadest = max(...goals.map((g) => g.length));
  let floor = least * 1e-2;
  const held = [zeros(T), zeros(T)];
  for (const t of word) held[0][t] = held[1][t] = 1;
  matrices.forEach((G, b) => {
    list(G, b);
    stepUp(signals, fusion, b, held[0], held[1]);
  });
  return edges;

  /** @param {ArrayLike<number>} G @param {number} b */
  function list(G, b) {
    const w = fusion.gamma * fusion.weights[b];
    if (!w) return;
    const across = w * (1 - fusion.lam) * signals.scales[b];
    const own = signals.states[b].map((v) => w * fusion.lam * v);
    const [plus, minus] = held.map((h) => h.map((v) => (v > least ? v : 0)));
    signals.peaks[b] ??= peaksOf(G, T);
    const peaks = signals.peaks[b];
    /** What no step of a unit can exceed. */
    const bounds = zeros(count);
    for (let k = 0; k < T; k++)
      bounds[of[k]] += (broadest * across * peaks[k] + abs(own[k])) * max(plus[k], minus[k]);
    const sources = Int32Array.from(range(T).filter((k) => bounds[of[k]] > floor));
    const units = [...new Set(Array.from(sources, (k) => of[k]))];
    const places = Int32Array.from(sources, (k) => units.indexOf(of[k]));
    const up = zeros(units.length);
    const down = zeros(units.length);
    goals.forEach((tokens, i) => {
      up.fill(0);
      down.fill(0);
      for (const t of tokens)
        for (let s = 0, q = t * T; s < sources.length; s++) {
          const k = sources[s];
          const step = across * G[q + k];
          // A token's own relevance stays with it.
          const stays = k === t ? own[k] : 0;
          up[places[s]] += (max(0, step) + max(0, stays)) * plus[k];
          down[places[s]] += (max(0, -step) + max(0, -stays)) * minus[k];
        }
      units.forEach((k, n) => {
        if (up[n] > floor) edges.push({ b, k, i, mass: up[n], sign: 1 });
        if (down[n] > floor) edges.push({ b, k, i, mass: down[n], sign: -1 });
      });
    });
    if (edges.length < most) return;
    edges = largest(edges, most);
    floor = edges[most - 1].mass;
  }
};

/** @param {Edge[]} edges @param {number} most */
const largest = (edges, most) => edges.toSorted((a, b) => b.mass - a.mass).slice(0, most);

/** What edges carry together. @param {{mass: number}[]} edges */
export const totalMass = (edges) => sum(edges.map((e) => e.mass));

/**
 * The few steps worth drawing: the largest until they make up `SHARE` of the word's evidence,
 * and only those that hang together with the word.
 * @param {Edge[]} edges @param {number} unit @param {number} total the word's evidence, both signs
 * @param {boolean} [connected] false: they need not start at the word
 * @returns {{edges: Edge[], drawn: number, total: number}}
 */
export const strongestSteps = (edges, unit, total, connected = true) => {
  const sorted = largest(edges, MOST);
  let held = 0;
  let count = 0;
  while (count < sorted.length && held < SHARE * total) held += sorted[count++].mass;
  const kept = sorted.slice(0, count).sort((a, b) => a.b - b.b);
  const reached = new Set([`1 ${unit}`, `-1 ${unit}`]);
  const drawn = kept.filter((edge) => {
    const hangs = !connected || reached.has(`${edge.sign} ${edge.k}`);
    if (hangs) reached.add(`${edge.sign} ${edge.i}`);
    return hangs;
  });
  return { edges: drawn, drawn: totalMass(drawn), total };
};
