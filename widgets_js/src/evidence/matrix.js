/** Everything the rollout view draws from; each stage only when what it depends on has changed. */

import { layerIn, layerName } from "./format.js";
import { abs, floor, max, TINY, times } from "./maths.js";
import { memo } from "./memo.js";
import { carried, channelOf, kneeOf, limitOf, merged, mirrored, parted } from "./rollout.js";
import { sums } from "./units.js";

/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./rollout.js").Pair} Pair */
/** @typedef {[number, number]} Cell row and column, units */

/**
 * @typedef {object} Matrix
 * @property {Scene} scene
 * @property {number} b the layer shown
 * @property {boolean} alone this layer only
 * @property {number | null} head
 * @property {string} title what the matrix is
 * @property {Pair | null} pair between units, in the direction of the asked class
 * @property {Float32Array | null} shown
 * @property {boolean} late shown is of an earlier question, or missing
 * @property {number} n units
 * @property {number} limit value of the deepest tone
 * @property {number} knee
 * @property {number} beyond cells outside the scale
 * @property {number[]} columns sums of what is shown, without the residual
 * @property {number[]} rows
 * @property {{values: Float32Array, n: number}[]} film
 * @property {number} filmLimit
 * @property {Heads | null} heads
 * @property {Cell | null} cross pointed at, or pinned
 * @property {(unit: number) => {given: number[], taken: number[]}} links of a unit, in the channel
 */

/** @typedef {{heads: Float32Array[] | null, reason: string}} Heads without a reason and without heads: on their way */
/** @typedef {{pair: Pair | null, film: Pair[] | null, late: boolean}} Frames late: of an earlier question */
/**
 * Where matrices come from.
 * @typedef {object} MatrixSource
 * @property {(scene: Scene, b: number, single: boolean) => Frames} frames up to a layer, or of this layer alone
 * @property {(scene: Scene, b: number, ask: boolean) => Heads | null} heads of a layer
 */

/** @typedef {import("./settings.js").Channel} Channel */
/** @typedef {import("./units.js").Units} Units */

/** Thumbnails that were pooled hold no units: of both channels the stronger is shown. @param {Pair} pair @param {Channel} channel @param {Units} units */
const thumbOf = (pair, channel, units) => {
  const whole = pair.n === units.of.length;
  const own = whole ? merged(pair, units) : pair;
  return { values: channelOf(own, channel, null, !whole), n: own.n };
};

export const matrixMaker = () => {
  const headOf = memo(parted);
  const mergedOf = memo(merged);
  const mirroredOf = memo(mirrored);
  const shownOf = memo(channelOf);
  const plainOf = memo(channelOf);
  const limit = memo(limitOf);
  const residualOf = memo((/** @type {Units} */ units) => units.members.map((m) => m.length));
  const beyondOf = memo(
    (/** @type {Float32Array} */ shown, /** @type {number} */ most) =>
      shown.filter((v) => abs(v) > most * 1.0001).length,
  );
  const sumsOf = memo((/** @type {Float32Array} */ plain, /** @type {number} */ n) => {
    const columns = Array(n).fill(0);
    const rows = Array(n).fill(0);
    plain.forEach((v, q) => {
      rows[floor(q / n)] += v;
      columns[q % n] += v;
    });
    return { columns, rows };
  });
  const filmOf = memo(
    (
      /** @type {Pair[] | null} */ film,
      /** @type {Channel} */ channel,
      /** @type {Units} */ units,
      /** @type {number} */ sign,
    ) => (film ?? []).map((pair) => thumbOf(sign < 0 ? mirrored(pair) : pair, channel, units)),
  );
  const filmLimitOf = memo((/** @type {{values: Float32Array}[]} */ film) =>
    max(TINY, ...film.map(({ values }) => limitOf(values))),
  );

  /** @param {Scene} scene @param {MatrixSource} matrices @returns {Matrix} */
  return (scene, matrices) => {
    const { signals, fusion, state, units, picture: p, x } = scene;
    const L = x.weights.length;
    const T = x.tokens.length;
    const b = scene.layer ?? L - 1;
    const heads = matrices.heads(scene, b, state.heads || state.head !== null);
    const list = heads?.heads;
    const head = list && state.head !== null && state.head < list.length ? state.head : null;
    const single = state.alone || head !== null;
    const { pair: tokens, film: frames, late } = matrices.frames(scene, b, state.alone);
    const source = head !== null && list ? headOf(list[head], T) : tokens;
    const directed = source && p.sign < 0 ? mirroredOf(source) : source;
    const pair = directed && directed.n === T ? mergedOf(directed, units) : null;
    const residual = state.residual && !single ? residualOf(units) : null;
    const shown = pair && shownOf(pair, state.channel, residual);
    // Without the residual, whose ones would flatten all else: they stand outside the scale.
    const plain = pair && plainOf(pair, state.channel, null);
    const most = plain ? limit(plain) : TINY;
    const { columns, rows } = plain ? sumsOf(plain, units.count) : { columns: [], rows: [] };
    const [i, k] = state.cell;
    const pinned =
      state.cell.length === 2 && max(i, k) < T ? /** @type {Cell} */ ([units.of[i], units.of[k]]) : null;
    const cross = state.cross && max(...state.cross) < units.count ? state.cross : pinned;
    const film = filmOf(frames, state.channel, units, p.sign);
    // A pinned cell stays for long: the contrast adapts to what is pointed at only.
    const looked = state.cross && cross && shown ? shown[cross[0] * units.count + cross[1]] : null;
    const name = layerName(x, b);
    return {
      scene,
      b,
      alone: single,
      head,
      title:
        head !== null
          ? `Head ${head} of ${layerIn(x, b)}`
          : single
            ? `${name} alone`
            : b
              ? `Up to ${layerIn(x, b)}`
              : name,
      pair,
      shown,
      late: head === null && late,
      n: units.count,
      limit: most,
      knee: kneeOf(most, looked),
      beyond: shown ? beyondOf(shown, most) : 0,
      columns,
      rows,
      film,
      filmLimit: filmLimitOf(film),
      heads,
      cross,
      links(unit) {
        if (head !== null) {
          const from = (/** @type {(u: number) => number} */ at) =>
            times(units.count, (u) => shown?.[at(u)] ?? 0);
          return { given: from((u) => u * units.count + unit), taken: from((u) => unit * units.count + u) };
        }
        const ends = carried(signals, fusion, single ? b : 0, b + 1, units.members[unit]);
        const side = (/** @type {import("./rollout.js").Sides} */ { plus, minus }) => {
          const net = plus.map(
            (v, t) => (state.channel === against ? 0 : v) - (state.channel === toward ? 0 : minus[t]),
          );
          return sums(units, net).map((v) => p.sign * v);
        };
        const [toward, against] = p.sign < 0 ? ["opposing", "supporting"] : ["supporting", "opposing"];
        return { given: side(ends.given), taken: side(ends.taken) };
      },
    };
  };
};
