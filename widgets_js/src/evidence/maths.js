/** Small sums that are needed everywhere. */
import { formats } from "./design.js";
export const { abs, max, min, round, floor, ceil, sign: signOf } = Math;

/** Stands for zero where one divides. */
export const { TINY } = formats;

/** @param {number} v @param {number} low @param {number} high */
export const clamp = (v, low, high) => min(high, max(low, v));

/** @param {number[]} values */
export const sum = (values) => values.reduce((a, v) => a + v, 0);

/** The largest size of any. @param {number[]} values */
export const largestSize = (values) => values.reduce((a, v) => max(a, abs(v)), 0);

/** @template R @param {number} n @param {(i: number) => R} f @returns {R[]} */
export const times = (n, f) => Array.from({ length: n }, (_, i) => f(i));

/** @param {number} n 0 … n − 1 */
export const range = (n) => [...Array(n).keys()];

/** @param {number} n */
export const zeros = (n) => new Float64Array(n);

/**
 * The size that only so many of the values exceed; 0 where there are no more.
 * @param {ArrayLike<number>} values @param {number} [beyond]
 */
export const sizeExceededBy = (values, beyond = 0) => {
  const largest = zeros(beyond + 1);
  for (let n = 0; n < values.length; n++) {
    const size = abs(values[n]);
    if (size <= largest[0]) continue;
    let i = 0;
    for (; largest[i + 1] < size; i++) largest[i] = largest[i + 1];
    largest[i] = size;
  }
  return largest[0];
};

/** Indices sorted, the largest size first. @param {number[]} indices @param {ArrayLike<number>} values */
export const sortStrongestFirst = (indices, values) =>
  indices.toSorted((a, b) => abs(values[b]) - abs(values[a]));
