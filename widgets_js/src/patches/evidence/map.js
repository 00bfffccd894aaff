/**
 * The numbers of the maps: a value for each patch, and for what is no patch. Pure;
 * `figures/scene/patch_map.py` is the twin.
 */
import { abs, largestSize, max, range, TINY, times, zeros } from "../../evidence/maths.js";
import { memo } from "../../evidence/memo.js";
import { rolloutVectors } from "../../evidence/rollout.js";
import { sumByUnit } from "../../evidence/units.js";

/** @typedef {import("./settings.js").Scene} Scene */
/** @typedef {import("./settings.js").State} State */
/** @typedef {import("../../evidence/fusion.js").Signals} Signals */

/**
 * Where the patches stand.
 * @typedef {object} Grid
 * @property {number} rows
 * @property {number} columns
 * @property {number} ratio width of the picture by its height
 * @property {number[]} patches unit of each patch, row by row
 * @property {number[]} others units that are no patch
 */

/**
 * @typedef {object} Maps
 * @property {number[][]} frames a value for each unit: over all layers, then of each layer
 * @property {number[]} limits what the deepest tone of each frame stands for
 */

/**
 * @param {{grid: [number, number], size: [number, number]}} meta
 * @param {import("../../evidence/units.js").Units} units @returns {Grid}
 */
export const readGrid = ({ grid: [rows, columns], size: [height, width] }, { special, count }) => ({
  rows,
  columns,
  ratio: width / height,
  patches: range(count).filter((u) => !special[u]),
  others: range(count).filter((u) => special[u]),
});

/** Column sums of |Ĝ|, per block. @param {Signals} signals */
const sizes = ({ matrices, scales, columns, tokens: T }) =>
  columns.map((row, b) => {
    const G = matrices?.[b];
    // Until the matrices are here, a column is of one sign.
    if (!G) return row.map(abs);
    const total = zeros(T);
    for (let i = 0, q = 0; i < T; i++) for (let j = 0; j < T; j++, q++) total[j] += abs(G[q]) * scales[b];
    return total;
  });

export const createMapMaker = () => {
  const sizesOf = memo(sizes);
  /**
   * One side of a block: λ relu(± r̂) + (1 − λ) colsum relu(± Ĝ), before the layer's weight.
   * @param {Scene} scene @param {number} b @param {number} side
   */
  const half = ({ signals, state: { lam }, units }, b, side) => {
    const all = sizesOf(signals)[b];
    const columns = signals.columns[b];
    return sumByUnit(
      units,
      signals.states[b].map(
        (r, t) => lam * max(0, side * r) + ((1 - lam) * (all[t] + side * columns[t])) / 2,
      ),
    );
  };
  /** @type {Scene} */
  let scene;
  const made = memo(
    /**
     * @param {import("../../evidence/unit_evidence.js").UnitEvidence} p @param {State["channel"]} channel
     * @param {Signals} _ @returns {Maps}
     */
    (p, channel, _) => {
      const side = channel === "supporting" ? 1 : -1;
      const { order } = p;
      const most = (/** @type {number[][]} */ ...rows) =>
        max(TINY, ...rows.map((row) => largestSize(order.map((u) => row[u]))));
      const count = p.cells.length;
      if (channel === "net") {
        const layers = p.cellLargest;
        return { frames: [p.net, ...p.cells], limits: [p.largest, ...p.cells.map(() => layers)] };
      }
      /** @param {number[]} row */
      const signed = (row) => row.map((v) => side * v);
      const [ours, theirs] = [side, -side].map((s) => times(count, (b) => half(scene, b, s * p.sign)));
      // One scale for both sides, so that they can be compared.
      const layers = most(...ours, ...theirs);
      return {
        frames: [side > 0 ? p.supporting : signed(p.opposing), ...ours.map(signed)],
        limits: [most(p.supporting, p.opposing), ...ours.map(() => layers)],
      };
    },
  );
  return (/** @type {Scene} */ now) => {
    scene = now;
    return made(now.unitEvidence, now.state.channel, now.signals);
  };
};

/**
 * Row and column of the rollout: what some units carried into every position, and what every unit carried
 * into theirs; over all layers, or in one alone.
 * @typedef {object} Links
 * @property {number[]} gave
 * @property {number[]} received
 * @property {number} limit what the deepest tone stands for: the largest of another patch
 */

/**
 * @param {Scene} scene @param {number[]} chosen units
 * @returns {Links | null} null until the matrices are here
 */
export const computeLinks = (scene, chosen) => {
  const { signals, fusion, units, unitEvidence: p, layer, state, exact } = scene;
  if (!exact || !chosen.length) return null;
  const [from, to] = layer === null ? [0, signals.layers] : [layer, layer + 1];
  const tokens = chosen.flatMap((u) => units.members[u]);
  const { given, taken } = rolloutVectors(signals, fusion, from, to, tokens);
  const [gave, received] = [given, taken].map(({ plus, minus }) => {
    const [supporting, opposing] = p.sign > 0 ? [plus, minus] : [minus, plus];
    const { channel } = state;
    const shown = supporting.map(
      (v, t) => (channel === "opposing" ? 0 : v) - (channel === "supporting" ? 0 : opposing[t]),
    );
    return sumByUnit(units, shown);
  });
  const others = p.order.filter((u) => !chosen.includes(u));
  const limit = max(TINY, ...[gave, received].map((row) => largestSize(others.map((u) => row[u]))));
  return { gave, received, limit };
};

/** The strongest other unit of a row or column. @param {number[]} row @param {number[]} chosen */
export const strongestOther = (row, chosen) => {
  const others = range(row.length).filter((u) => !chosen.includes(u));
  const best = others.reduce((a, u) => (abs(row[u]) > abs(row[a]) ? u : a), others[0]);
  return row[best] ? best : null;
};
