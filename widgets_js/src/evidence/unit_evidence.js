/** The numbers of one picture: the fused read-outs, per unit, in the direction of the asked class. */

import { sizes } from "./design.js";
import { shortenLabel } from "./format.js";
import {
  abs,
  floor,
  largestSize,
  max,
  min,
  range,
  sizeExceededBy,
  sortStrongestFirst,
  sum,
  TINY,
} from "./maths.js";
import { sumByUnit } from "./units.js";

/** @typedef {import("./wire.js").Explanation} Explanation */
/** @typedef {import("./units.js").Units} Units */
/** @typedef {import("./fusion.js").Fused} Fused */

/**
 * @typedef {object} UnitEvidence
 * @property {number[]} supporting shares, per unit
 * @property {number[]} opposing
 * @property {number[]} net
 * @property {number[][]} cells per block and unit, before the layer weight
 * @property {number[][]} r per layer and unit, in units of f
 * @property {{supporting: number, opposing: number, net: number}} total shares, special tokens included
 * @property {{supporting: number[], opposing: number[], largest: number}} entering per block
 * @property {number} score f(x) of the asked class
 * @property {number} baseline f(x′)
 * @property {number} gain their difference
 * @property {number[]} errors |convergence delta| / |gain|, per layer
 * @property {number[]} delta convergence delta, signed
 * @property {number} worst layer of the largest error
 * @property {number[]} order units, strongest first, special ones left out
 * @property {number} largest |net| of the strongest unit
 * @property {number} cellLargest |cell| of the strongest unit in any block
 * @property {number} tone cell value of the deepest tone
 * @property {Flip[]} flips largest first
 * @property {1 | -1} sign −1: the mirrored question
 * @property {string} name the asked class
 */

/** @typedef {{b: number, unit: number, to: 1 | -1, size: number}} Flip */

/** Below this share of the largest cell a change of sign is noise. */
const { FLIP } = sizes.scene;
/** Above this many columns the few largest cells are clipped, or the rest would vanish. */
const { MANY, CLIPPED } = sizes.scene;

/**
 * @param {Explanation} x
 * @param {Units} units
 * @param {Fused} fused
 * @param {1 | -1} sign −1: the mirrored question
 * @returns {UnitEvidence}
 */
export const unitEvidence = (x, units, fused, sign) => {
  const flip = sign < 0;
  /** @template T @param {{supporting: T, opposing: T}} sides */
  const turned = ({ supporting, opposing }) =>
    flip ? { supporting: opposing, opposing: supporting } : { supporting, opposing };
  const sides = turned(fused);
  const supporting = sumByUnit(units, sides.supporting);
  const opposing = sumByUnit(units, sides.opposing);
  const net = supporting.map((v, u) => v - opposing[u]);
  /** @param {ArrayLike<number>} row */
  const directed = (row) => sumByUnit(units, row).map((v) => sign * v);
  const cells = fused.cells.map(directed);
  const entering = turned(fused.entering);
  const total = { supporting: sum(supporting), opposing: sum(opposing), net: sum(net) };
  const score = sign * x.score;
  const baseline = sign * x.baseline;
  const gain = score - baseline;
  const order = sortStrongestFirst(
    range(units.count).filter((u) => !units.special[u]),
    net,
  );
  const broken = new Set(x.holes.map(([b]) => b));
  const delta = x.delta.map((d, b) => (broken.has(b) ? NaN : sign * d));
  const errors = delta.map((d) => abs(d) / max(TINY, abs(gain)));
  return {
    supporting,
    opposing,
    net,
    cells,
    r: x.r.map(directed),
    total,
    entering: {
      ...entering,
      largest: max(TINY, largestSize(entering.supporting), largestSize(entering.opposing)),
    },
    score,
    baseline,
    gain,
    errors,
    delta,
    worst: errors.reduce((w, e, b) => (e > (errors[w] || 0) ? b : w), 0),
    order,
    largest: max(TINY, largestSize(order.map((u) => net[u]))),
    cellLargest: max(TINY, ...cells.map((row) => largestSize(order.map((u) => row[u])))),
    tone: toneOf(cells, units.count),
    flips: flips(cells, order),
    sign,
    name: shortenLabel(x.labels[flip ? (x.contrast ?? 1 - x.target) : x.target]),
  };
};

/** @param {number[][]} cells @param {number} columns */
const toneOf = (cells, columns) => {
  const all = cells.flat();
  return max(TINY, sizeExceededBy(all, columns > MANY ? floor(all.length * CLIPPED) : 0));
};

/**
 * Where a unit changes sign from one block to the next.
 * @param {number[][]} cells @param {number[]} order @returns {Flip[]}
 */
const flips = (cells, order) => {
  const least = FLIP * largestSize(cells.map(largestSize));
  /** @type {Flip[]} */
  const found = [];
  for (let b = 1; b < cells.length; b++)
    for (const unit of order) {
      const from = cells[b - 1][unit];
      const to = cells[b][unit];
      const size = min(abs(from), abs(to));
      if (from * to < 0 && size > least) found.push({ b, unit, to: to > 0 ? 1 : -1, size });
    }
  return found.sort((a, b) => b.size - a.size);
};
