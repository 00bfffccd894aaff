/**
 * Balance the two signals, weigh the layers, fuse, roll out, read out.
 * The twin of `calig_nb/explanation/fusion.py`: both pass the vectors in `tests/data/fusion.json`.
 * Pure: no DOM, no model; sums are taken in double precision.
 *
 *     M_b^s = w_b · [ λ · diag(relu(s · r̂_b)) + (1 − λ) · relu(s · Ĝ_b) ]
 *     R^s ← I;   R^s ← R^s + γ · M_b^s · R^s
 */
import { abs, max, zeros } from "./maths.js";

/**
 * The two signals, each scaled to a token-level mass of one per layer.
 * @typedef {object} Signals
 * @property {number} tokens
 * @property {number} layers
 * @property {Float64Array[]} states r̂ of the hidden states, one row per block
 * @property {Float64Array[]} columns column sums of Ĝ, one row per block
 * @property {ArrayLike<number>[] | null} matrices G, row-major: row i receives from column j
 * @property {number[]} scales Ĝ_b = scales[b] · G_b
 * @property {Float64Array[]} peaks the largest size in each column of G_b, once somebody has asked
 */

/**
 * @typedef {object} Fusion
 * @property {number} lam weight of the hidden states against the attention
 * @property {number} gamma
 * @property {number[]} weights one per block
 * @property {"all" | "pooled"} readout
 * @property {boolean[]} pooled
 */

/**
 * @typedef {object} Fused
 * @property {Float64Array} supporting per token
 * @property {Float64Array} opposing per token
 * @property {{supporting: number[], opposing: number[]}} entering per block; adds up to the totals
 * @property {Float64Array[]} cells λ r̂ + (1 − λ) colsum Ĝ, per block, before the layer weight
 * @property {boolean} exact false while the matrices are missing and the values are first-order
 */

/** @param {ArrayLike<number>} values */
export const absoluteSum = (values) => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += abs(values[i]);
  return sum;
};

/** @param {ArrayLike<number>} matrix @param {number} T */
const columnSums = (matrix, T) => {
  const sums = zeros(T);
  for (let i = 0, q = 0; i < T; i++) for (let j = 0; j < T; j++, q++) sums[j] += matrix[q];
  return sums;
};

/** @param {ArrayLike<number>} values @param {number} k */
const scaled = (values, k) => Float64Array.from(values, (v) => v * k);

/** @param {number} v */
const inverse = (v) => (v > 0 ? 1 / v : 0);

/**
 * @param {ArrayLike<number>[]} r rows of all layers; the last one (the output) is not fused
 * @param {ArrayLike<number>[] | null} matrices G, one per block
 * @param {ArrayLike<number>[] | null} [columns] their column sums, if already known
 * @returns {Signals}
 */
export const normaliseSignals = (r, matrices, columns = null) => {
  const tokens = r[0].length;
  const sums = columns ?? (matrices ?? []).map((g) => columnSums(g, tokens));
  const scales = sums.map((row) => inverse(absoluteSum(row)));
  return {
    tokens,
    layers: sums.length,
    states: sums.map((_, b) => scaled(r[b], inverse(absoluteSum(r[b])))),
    columns: sums.map((row, b) => scaled(row, scales[b])),
    matrices,
    scales,
    peaks: [],
  };
};

/** @param {Fusion} fusion @param {number} tokens */
export const readoutVector = ({ readout, pooled }, tokens) =>
  Float64Array.from({ length: tokens }, (_, t) => (readout === "all" || pooled[t] ? 1 : 0));

/**
 * Sums of a matrix with both channels at once, doubled: reading it twice would cost more than the sums.
 * @typedef {(G: ArrayLike<number>, T: number, plus: Float64Array, minus: Float64Array, p: Float64Array,
 *   m: Float64Array) => void} Sums
 */

// |x| + x and |x| − x are twice the two rectified halves: no branch to mispredict.
/** vᵀG @type {Sums} */
const across = (G, T, plus, minus, p, m) => {
  for (let i = 0, q = 0; i < T; i++) {
    const vp = plus[i];
    const vm = minus[i];
    for (let j = 0; j < T; j++, q++) {
      const x = G[q];
      const a = abs(x);
      p[j] += (a + x) * vp;
      m[j] += (a - x) * vm;
    }
  }
};

/** Gu @type {Sums} */
const along = (G, T, plus, minus, p, m) => {
  for (let i = 0, q = 0; i < T; i++) {
    let sp = 0;
    let sm = 0;
    for (let j = 0; j < T; j++, q++) {
      const x = G[q];
      const a = abs(x);
      sp += (a + x) * plus[j];
      sm += (a - x) * minus[j];
    }
    p[i] = sp;
    m[i] = sm;
  }
};

/** @param {Sums} sums */
const stepper =
  (sums) =>
  /**
   * @param {Signals} signals @param {Fusion} fusion @param {number} b
   * @param {Float64Array} plus @param {Float64Array} minus
   */
  ({ tokens: T, states, matrices, scales }, { lam, gamma, weights }, b, plus, minus) => {
    const w = gamma * weights[b];
    if (!w || !matrices) return;
    const p = zeros(T);
    const m = zeros(T);
    sums(matrices[b], T, plus, minus, p, m);
    const half = 0.5 * w * (1 - lam) * scales[b];
    for (let t = 0; t < T; t++) {
      const own = w * lam * states[b][t];
      plus[t] += half * p[t] + max(0, own) * plus[t];
      minus[t] += half * m[t] + max(0, -own) * minus[t];
    }
  };

/** v ← v + γ vᵀM_b for both channels at once. */
export const stepDown = stepper(across);
/** u ← u + γ M_b u for both channels at once. */
export const stepUp = stepper(along);

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
const dot = (a, b) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

/** λ r̂ + (1 − λ) colsum Ĝ, per block. @param {Signals} signals @param {number} lam */
export const layerCells = ({ states, columns }, lam) =>
  states.map((row, b) => row.map((v, t) => lam * v + (1 - lam) * columns[b][t]));

/**
 * Evidence of either sign that each token carried into the read-out positions.
 * Two vector–matrix passes, O(layers · tokens²): the rolled-out matrix itself is never formed.
 * @param {Signals} signals @param {Fusion} fusion
 * @returns {Fused}
 */
export const fuse = (signals, fusion) => {
  const { tokens: T, layers: L } = signals;
  const cells = layerCells(signals, fusion.lam);
  if (!signals.matrices) return firstOrder(cells, fusion, T);

  const readout = readoutVector(fusion, T);
  const supporting = readout.slice();
  const opposing = readout.slice();
  for (let b = L - 1; b >= 0; b--) stepDown(signals, fusion, b, supporting, opposing);

  const entering = { supporting: /** @type {number[]} */ ([]), opposing: /** @type {number[]} */ ([]) };
  const plus = zeros(T).fill(1);
  const minus = zeros(T).fill(1);
  let before = [dot(readout, plus), dot(readout, minus)];
  for (let b = 0; b < L; b++) {
    stepUp(signals, fusion, b, plus, minus);
    const after = [dot(readout, plus), dot(readout, minus)];
    entering.supporting.push(after[0] - before[0]);
    entering.opposing.push(after[1] - before[1]);
    before = after;
  }
  return {
    supporting: supporting.map((v, t) => v - readout[t]),
    opposing: opposing.map((v, t) => v - readout[t]),
    entering,
    cells,
    exact: true,
  };
};

/**
 * Without the matrices: the column sums of each layer on their own, no paths through several.
 * @param {Float64Array[]} cells @param {Fusion} fusion @param {number} T
 * @returns {Fused}
 */
const firstOrder = (cells, { gamma, weights }, T) => {
  const supporting = zeros(T);
  const opposing = zeros(T);
  const entering = { supporting: /** @type {number[]} */ ([]), opposing: /** @type {number[]} */ ([]) };
  cells.forEach((row, b) => {
    let plus = 0;
    let minus = 0;
    row.forEach((v, t) => {
      const c = gamma * weights[b] * v;
      if (c > 0) {
        supporting[t] += c;
        plus += c;
      } else {
        opposing[t] -= c;
        minus -= c;
      }
    });
    entering.supporting.push(plus);
    entering.opposing.push(minus);
  });
  return { supporting, opposing, entering, cells, exact: false };
};

/**
 * One entry of M_b^s.
 * @param {Signals} signals @param {Fusion} fusion @param {1 | -1} sign
 * @param {number} b @param {number} i @param {number} k
 */
export const entry = ({ tokens: T, states, matrices, scales }, { lam, weights }, sign, b, i, k) => {
  const g = matrices ? max(0, sign * matrices[b][i * T + k]) * scales[b] : 0;
  const own = i === k ? max(0, sign * states[b][k]) : 0;
  return weights[b] * ((1 - lam) * g + lam * own);
};

/**
 * The rolled-out matrix of one channel, row-major: row i gathered from token j.  O(layers · tokens³).
 * @param {Signals} signals @param {Fusion} fusion @param {1 | -1} sign
 * @param {number} [upto] number of blocks
 */
export const rollout = (signals, fusion, sign, upto = signals.layers) => {
  const T = signals.tokens;
  let R = zeros(T * T);
  for (let i = 0; i < T; i++) R[i * T + i] = 1;
  for (let b = 0; b < upto; b++) {
    const next = R.slice();
    for (let i = 0; i < T; i++)
      for (let k = 0; k < T; k++) {
        const c = fusion.gamma * entry(signals, fusion, sign, b, i, k);
        if (c) for (let j = 0; j < T; j++) next[i * T + j] += c * R[k * T + j];
      }
    R = next;
  }
  return R;
};

/**
 * How far position t of a layer still speaks of token t: mean cosine with the embeddings, to a power.
 * @param {ArrayLike<number>[][]} rs r of each calibration input
 * @param {boolean[][]} special of each input
 * @param {number} [exponent]
 */
export const layerWeights = (rs, special, exponent = 6) => {
  const blocks = rs[0].length - 1;
  return Array.from({ length: blocks }, (_, b) => {
    if (b === 0) return 1;
    const cosines = rs.map((r, n) => {
      const ordinary = [...special[n].keys()].filter((t) => !special[n][t]);
      const here = ordinary.map((t) => r[b][t]);
      const first = ordinary.map((t) => r[0][t]);
      const norm = Math.sqrt(dot(here, here) * dot(first, first));
      return norm > 0 ? max(0, dot(here, first) / norm) : 0;
    });
    return (cosines.reduce((a, c) => a + c, 0) / cosines.length) ** exponent;
  });
};
