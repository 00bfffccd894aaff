/**
 * λ without the matrices.  With T tokens and L blocks every read-out is a polynomial of degree L in λ, so
 * a few of its values, at Chebyshev points of [0, 1], give all others: L + 1 exactly, `MOST` to about 1e-9.
 * A step of the slider then costs O(L · T) instead of O(L · T²).
 */

import { fuse, layerCells } from "./fusion.js";
import { min, sum, times } from "./maths.js";

/** @typedef {import("./fusion.js").Fused} Fused */

/** More points than this change nothing that can be seen or tested. */
const MOST = 13;

/**
 * @param {import("./fusion.js").Signals} signals with their matrices
 * @param {Omit<import("./fusion.js").Fusion, "lam">} fusion
 * @returns {{prepare: () => boolean, at: (lam: number) => Fused | null}}
 *   `prepare` fuses at one more point and tells whether any is left; `at` is null until all are there
 */
export const interpolateLambda = (signals, fusion) => {
  const n = min(signals.layers, MOST - 1) || 1;
  const points = times(n + 1, (i) => 0.5 - Math.cos((Math.PI * i) / n) / 2);
  const weights = points.map((_, i) => (i % 2 ? -1 : 1) * (i % n ? 1 : 0.5));
  /** @type {Fused[]} */
  const known = [];
  return {
    prepare() {
      if (known.length <= n) known.push(fuse(signals, { ...fusion, lam: points[known.length] }));
      return known.length <= n;
    },
    at(lam) {
      if (known.length <= n) return null;
      const at = points.indexOf(lam);
      if (at >= 0) return known[at];
      const shares = points.map((p, i) => weights[i] / (lam - p));
      const total = sum(shares);
      /** @param {(fused: Fused) => ArrayLike<number>} of */
      const blend = (of) => {
        const rows = known.map(of);
        return Float64Array.from(rows[0], (_, t) => sum(rows.map((row, i) => row[t] * shares[i])) / total);
      };
      return {
        supporting: blend((f) => f.supporting),
        opposing: blend((f) => f.opposing),
        entering: {
          supporting: [...blend((f) => f.entering.supporting)],
          opposing: [...blend((f) => f.entering.opposing)],
        },
        cells: layerCells(signals, lam),
        exact: true,
      };
    },
  };
};
