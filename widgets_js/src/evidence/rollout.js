/**
 * The relevance rollout as a matrix: S = R − I, what each token (column) carried into each position (row).
 *
 *     S^s ← 0;   S^s ← S^s + γ · M_b^s · (S^s + I)
 *
 * Over one block alone that is γ · M_b^s.  Matrices are row-major; both channels are non-negative.
 */

import { sizes } from "./design.js";
import { stepDown, stepUp } from "./fusion.js";
import { abs, ceil, floor, max, min, sizeExceededBy, TINY, zeros } from "./maths.js";

/** @typedef {import("./fusion.js").Signals} Signals */
/** @typedef {import("./fusion.js").Fusion} Fusion */
/** @typedef {{plus: Float32Array, minus: Float32Array, n: number}} Pair both channels, n × n */
/** @typedef {{plus: Float64Array, minus: Float64Array}} Sides both channels of a vector */

/**
 * S after each block from `from` to before `to`, O(blocks · tokens³).  The generator pauses after
 * every row, so that the page can breathe; it yields the block's S when it is whole, else null.
 * @param {Signals} signals @param {Fusion} fusion @param {number} from @param {number} to
 * @returns {Generator<Pair | null>}
 */
export function* rollBlocks({ tokens: T, states, matrices, scales }, { lam, gamma, weights }, from, to) {
  let old = { plus: new Float32Array(T * T), minus: new Float32Array(T * T), n: T };
  for (let b = from; b < to; b++) {
    const now = { plus: old.plus.slice(), minus: old.minus.slice(), n: T };
    const w = gamma * weights[b];
    const G = w ? matrices?.[b] : null;
    const across = w * (1 - lam) * scales[b];
    for (let i = 0; i < T && w; i++) {
      const row = i * T;
      /** @param {number} c signed entry of the block's matrix @param {number} k */
      const add = (c, k) => {
        if (!c) return;
        const into = c > 0 ? now.plus : now.minus;
        const before = c > 0 ? old.plus : old.minus;
        const a = abs(c);
        // Before the first block nothing has been carried but the token itself.
        if (b > from) for (let j = 0, q = k * T; j < T; j++, q++) into[row + j] += a * before[q];
        into[row + k] += a;
      };
      if (G && across) for (let k = 0; k < T; k++) add(across * G[row + k], k);
      add(w * lam * states[b][i], i);
      if (b > from) yield null;
    }
    old = now;
    yield now;
  }
}

/**
 * All pauses skipped.
 * @param {Signals} signals @param {Fusion} fusion @param {number} from @param {number} to @returns {Pair[]}
 */
export const rollAllBlocks = (signals, fusion, from, to) =>
  [...rollBlocks(signals, fusion, from, to)].filter((pair) => pair !== null);

/**
 * Columns and rows of S without S: what some tokens carried into every position, and what every token
 * carried into those positions.  Two vector–matrix passes, O(blocks · tokens²).
 * @param {Signals} signals @param {Fusion} fusion @param {number} from @param {number} to
 * @param {Iterable<number>} tokens
 * @returns {{given: Sides, taken: Sides}}
 */
export const rolloutVectors = (signals, fusion, from, to, tokens) => {
  const start = zeros(signals.tokens);
  for (const t of tokens) start[t] = 1;
  const sides = () => ({ plus: start.slice(), minus: start.slice() });
  const given = sides();
  const taken = sides();
  for (let b = from; b < to; b++) stepUp(signals, fusion, b, given.plus, given.minus);
  for (let b = to - 1; b >= from; b--) stepDown(signals, fusion, b, taken.plus, taken.minus);
  /** @param {Sides} sides */
  const less = ({ plus, minus }) => ({
    plus: plus.map((v, t) => v - start[t]),
    minus: minus.map((v, t) => v - start[t]),
  });
  return { given: less(given), taken: less(taken) };
};

/**
 * Sums over the tokens of each unit, in rows and columns.
 * @param {Pair} pair @param {import("./units.js").Units} units @returns {Pair}
 */
export const mergeUnits = (pair, { of, count }) => {
  if (count === pair.n) return pair;
  /** @param {Float32Array} values */
  const sum = (values) => {
    const sums = new Float32Array(count * count);
    for (let i = 0, q = 0; i < pair.n; i++)
      for (let j = 0; j < pair.n; j++, q++) sums[of[i] * count + of[j]] += values[q];
    return sums;
  };
  return { plus: sum(pair.plus), minus: sum(pair.minus), n: count };
};

/**
 * One signed matrix as its two channels.
 * @param {ArrayLike<number>} values @param {number} n @returns {Pair}
 */
export const splitSigns = (values, n) => ({
  plus: Float32Array.from(values, (v) => max(0, v)),
  minus: Float32Array.from(values, (v) => max(0, -v)),
  n,
});

/**
 * What is drawn of a matrix: one channel, signed, with the residual diagonal or without.
 * In "net" the residuals of both channels cancel.
 * @param {Pair} pair @param {"net" | "supporting" | "opposing"} channel
 * @param {number[] | null} residual what each unit brought along itself; null leaves it out
 * @param {boolean} [apart] the stronger channel of each cell instead of the difference
 */
export const selectChannel = ({ plus, minus, n }, channel, residual, apart) => {
  const [p, m] = [channel === "opposing" ? 0 : 1, channel === "supporting" ? 0 : 1];
  const shown = plus.map((v, q) => {
    const [s, o] = [p * v, m * minus[q]];
    return !apart ? s - o : s > o ? s : -o;
  });
  if (residual && p !== m) for (let u = 0; u < n; u++) shown[u * n + u] += (p - m) * residual[u];
  return shown;
};

/** @param {Pair} pair @returns {Pair} */
export const swapSigns = ({ plus, minus, n }) => ({ plus: minus, minus: plus, n });

/**
 * A window of a matrix in fewer cells: of those that share one, the strongest stands for all.
 * @param {Float32Array} values n × n @param {number} n
 * @param {{row: number, column: number, side: number}} window
 * @param {number} cells at most this many along each side
 */
export const poolCells = (values, n, { row, column, side: size }, cells) => {
  if (size <= cells) cells = size;
  const into = new Float32Array(cells * cells);
  for (let i = 0; i < size; i++) {
    const to = floor((i * cells) / size) * cells;
    for (let j = 0; j < size; j++) {
      const v = values[(row + i) * n + column + j];
      const q = to + floor((j * cells) / size);
      if (abs(v) > abs(into[q])) into[q] = v;
    }
  }
  return { values: into, cells };
};

/** More cells than this, and the largest few may be clipped, or the rest would vanish. */
const { MANY, CLIPPED } = sizes.matrix;

/** The value of the deepest tone, symmetric about zero. @param {Float32Array} values */
export const scaleLimit = (values) =>
  sizeExceededBy(values, values.length > MANY ? values.length - ceil(values.length * (1 - CLIPPED)) : 0) ||
  sizeExceededBy(values) ||
  TINY;

/**
 * Contrast that adapts: the knee of the scale drops towards the value that is looked at, so that its
 * neighbours can be told apart.  It drops in steps, or the picture would flicker under the pointer.
 * @param {number} limit @param {number | null} looked the value under the crosshair
 */
export const scaleKnee = (limit, looked) => {
  if (!looked || !Number.isFinite(looked)) return 1;
  const share = min(1, abs(looked) / limit);
  return 10 ** (-min(6, floor(-2 * Math.log10(share))) / 2);
};

/** Tone −1 … 1 of a value. @param {number} limit @param {number} knee share of the limit */
export const toneScale = (limit, knee) => {
  if (knee >= 1) return (/** @type {number} */ v) => v / limit;
  const full = Math.asinh(1 / knee);
  return (/** @type {number} */ v) => Math.asinh(v / limit / knee) / full;
};

/**
 * The strongest cells of one signed matrix, without the diagonal where asked.
 * @param {ArrayLike<number>} values n × n @param {number} n @param {number} k
 * @returns {{row: number, column: number, value: number}[]} strongest first
 */
export const strongestCells = (values, n, k) => {
  /** @type {{row: number, column: number, value: number}[]} */
  const best = [];
  let least = 0;
  for (let q = 0; q < values.length; q++) {
    const a = abs(values[q]);
    if (a <= least) continue;
    const at = best.findIndex((c) => abs(c.value) < a);
    best.splice(at < 0 ? best.length : at, 0, { row: floor(q / n), column: q % n, value: values[q] });
    if (best.length > k) best.pop();
    if (best.length === k) least = abs(best[k - 1].value);
  }
  return best;
};
