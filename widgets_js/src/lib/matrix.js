/** Everything the rollout view draws from; each stage only when what it depends on has changed. */
import { layerName } from "./format.js";
import { carried, channelOf, kneeOf, limitOf, merged, mirrored, parted } from "./rollout.js";
import { memo } from "./scene.js";
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
 * @property {import("../matrices.js").Heads | null} heads
 * @property {Cell | null} cross pointed at, or pinned
 * @property {(unit: number) => {given: number[], taken: number[]}} links of a unit, in the channel
 */

/** Thumbnails that were pooled hold no units: of both channels the stronger is shown. @param {Pair} pair @param {any} channel @param {any} units @param {number} tokens */
function thumbOf(pair, channel, units, tokens) {
  if (pair.n === tokens) {
    const own = merged(pair, units);
    return { values: channelOf(own, channel, null), n: own.n };
  }
  const { plus, minus, n } = pair;
  const values = plus.map((p, q) => {
    const [s, o] = [channel === "opposing" ? 0 : p, channel === "supporting" ? 0 : minus[q]];
    return s > o ? s : -o;
  });
  return { values, n };
}

export function matrixMaker() {
  const headOf = memo((/** @type {Float32Array} */ values, /** @type {number} */ n) => parted(values, n));
  const mergedOf = memo(merged);
  const mirroredOf = memo(mirrored);
  const shownOf = memo(channelOf);
  const plainOf = memo(channelOf);
  const limit = memo(limitOf);
  const residualOf = memo((/** @type {import("./units.js").Units} */ units) => units.members.map((m) => m.length));
  const beyondOf = memo((/** @type {Float32Array} */ shown, /** @type {number} */ most) =>
    shown.reduce((count, v) => count + (Math.abs(v) > most * 1.0001 ? 1 : 0), 0),
  );
  const sumsOf = memo((/** @type {Pair} */ pair, /** @type {any} */ channel) => {
    const shown = channelOf(pair, channel, null);
    const columns = Array(pair.n).fill(0);
    const rows = Array(pair.n).fill(0);
    shown.forEach((v, q) => {
      rows[Math.floor(q / pair.n)] += v;
      columns[q % pair.n] += v;
    });
    return { columns, rows };
  });
  const filmOf = memo(
    (/** @type {Pair[] | null} */ film, /** @type {any} */ channel, /** @type {any} */ units, /** @type {number} */ tokens, /** @type {number} */ sign) =>
      (film ?? []).map((pair) => thumbOf(sign < 0 ? mirrored(pair) : pair, channel, units, tokens)),
  );
  const filmLimitOf = memo((/** @type {{values: Float32Array}[]} */ film) =>
    film.reduce((most, { values }) => Math.max(most, limitOf(values)), 1e-12),
  );

  /** @param {Scene} scene @param {import("../matrices.js").Matrices} matrices @returns {Matrix} */
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
    const most = pair ? limit(plainOf(pair, state.channel, null)) : 1e-12;
    const { columns, rows } = pair ? sumsOf(pair, state.channel) : { columns: [], rows: [] };
    const [i, k] = state.cell;
    const pinned = state.cell.length === 2 && Math.max(i, k) < T ? /** @type {Cell} */ ([units.of[i], units.of[k]]) : null;
    const cross = state.cross && Math.max(...state.cross) < units.count ? state.cross : pinned;
    const film = filmOf(frames, state.channel, units, T, p.sign);
    // A pinned cell stays for long: the contrast adapts to what is pointed at only.
    const looked = state.cross && cross && shown ? shown[cross[0] * units.count + cross[1]] : null;
    const name = layerName(b, L);
    const from = single ? b : 0;
    return {
      scene,
      b,
      alone: single,
      head,
      title: head !== null ? `Head ${head} of ${name.toLowerCase()}` : single ? `${name} alone` : b ? `Up to ${name.toLowerCase()}` : name,
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
      links: (unit) => {
        const ends = head === null ? carried(signals, fusion, from, b + 1, units.members[unit]) : null;
        const side = (/** @type {import("./rollout.js").Sides} */ s) => {
          const [plus, minus] = [sums(units, p.sign < 0 ? s.minus : s.plus), sums(units, p.sign < 0 ? s.plus : s.minus)];
          return plus.map((v, u) => (state.channel === "opposing" ? 0 : v) - (state.channel === "supporting" ? 0 : minus[u]));
        };
        if (ends) return { given: side(ends.given), taken: side(ends.taken) };
        const n = units.count;
        const all = [...Array(n).keys()];
        return { given: all.map((u) => shown?.[u * n + unit] ?? 0), taken: all.map((u) => shown?.[unit * n + u] ?? 0) };
      },
    };
  };
}
