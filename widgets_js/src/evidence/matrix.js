/** Everything the rollout view draws from; each stage only when what it depends on has changed. */

import { fill, sentences } from "./design.js";
import { layerInSentence, layerName } from "./format.js";
import { abs, floor, max, TINY, times } from "./maths.js";
import { memo } from "./memo.js";
import {
  mergeUnits,
  rolloutVectors,
  scaleKnee,
  scaleLimit,
  selectChannel,
  splitSigns,
  swapSigns,
} from "./rollout.js";
import { sumByUnit } from "./units.js";

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

/**
 * @typedef {{heads: Float32Array[] | null, reason: string}}
 *   Heads without a reason and without heads: on their way
 */
/** @typedef {{pair: Pair | null, film: Pair[] | null, late: boolean}} Frames late: of an earlier question */
/**
 * Where matrices come from.
 * @typedef {object} MatrixSource
 * @property {(scene: Scene, b: number, single: boolean) => Frames} frames up to a layer,
 *   or of this layer alone
 * @property {(scene: Scene, b: number, ask: boolean) => Heads | null} heads of a layer
 */

/** @typedef {import("./settings.js").Channel} Channel */
/** @typedef {import("./units.js").Units} Units */

/**
 * Thumbnails that were pooled hold no units: of both channels the stronger is shown.
 * @param {Pair} pair @param {Channel} channel @param {Units} units
 */
const thumbOf = (pair, channel, units) => {
  const whole = pair.n === units.of.length;
  const own = whole ? mergeUnits(pair, units) : pair;
  return { values: selectChannel(own, channel, null, !whole), n: own.n };
};

export const createMatrixMaker = () => {
  const headOf = memo(splitSigns);
  const mergedOf = memo(mergeUnits);
  const mirroredOf = memo(swapSigns);
  const shownOf = memo(selectChannel);
  const plainOf = memo(selectChannel);
  const limit = memo(scaleLimit);
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
    ) => (film ?? []).map((pair) => thumbOf(sign < 0 ? swapSigns(pair) : pair, channel, units)),
  );
  const filmLimitOf = memo((/** @type {{values: Float32Array}[]} */ film) =>
    max(TINY, ...film.map(({ values }) => scaleLimit(values))),
  );

  /** @param {Scene} scene @param {MatrixSource} matrixSource @returns {Matrix} */
  return (scene, matrixSource) => {
    const { signals, fusion, state, units, unitEvidence: p, x } = scene;
    const L = x.weights.length;
    const T = x.tokens.length;
    const b = scene.layer ?? L - 1;
    const heads = matrixSource.heads(scene, b, state.heads || state.head !== null);
    const list = heads?.heads;
    const head = list && state.head !== null && state.head < list.length ? state.head : null;
    const single = state.alone || head !== null;
    const { pair: tokens, film: frames, late } = matrixSource.frames(scene, b, state.alone);
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
          ? fill(sentences.matrix.head, { head, layer: layerInSentence(x, b) })
          : single
            ? fill(sentences.matrix.alone, { layer: name })
            : b
              ? fill(sentences.matrix.up_to, { layer: layerInSentence(x, b) })
              : name,
      pair,
      shown,
      late: head === null && late,
      n: units.count,
      limit: most,
      knee: scaleKnee(most, looked),
      beyond: shown ? beyondOf(shown, most) : 0,
      columns,
      rows,
      film,
      filmLimit: filmLimitOf(film),
      heads,
      cross,
      links(unit) {
        if (head !== null) {
          /** @param {(u: number) => number} at */
          const from = (at) => times(units.count, (u) => shown?.[at(u)] ?? 0);
          return { given: from((u) => u * units.count + unit), taken: from((u) => unit * units.count + u) };
        }
        const ends = rolloutVectors(signals, fusion, single ? b : 0, b + 1, units.members[unit]);
        /** @param {import("./rollout.js").Sides} value */
        const side = ({ plus, minus }) => {
          const net = plus.map(
            (v, t) => (state.channel === against ? 0 : v) - (state.channel === toward ? 0 : minus[t]),
          );
          return sumByUnit(units, net).map((v) => p.sign * v);
        };
        const [toward, against] = p.sign < 0 ? ["opposing", "supporting"] : ["supporting", "opposing"];
        return { given: side(ends.given), taken: side(ends.taken) };
      },
    };
  };
};
