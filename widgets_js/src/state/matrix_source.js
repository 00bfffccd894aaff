/**
 * Where the matrices of the rollout come from.  What is cheap is computed here; the rollout of long
 * inputs, and single heads, come from Python on request.  Where no Python answers, the page works the
 * rollout out by itself, a little at a time.
 */
import { times } from "../evidence/maths.js";
import { memo } from "../evidence/memo.js";
import { poolCells, rollAllBlocks, rollBlocks } from "../evidence/rollout.js";
import { readMatrices } from "../evidence/wire.js";

/** @typedef {import("../evidence/rollout.js").Pair} Pair */
/** @typedef {import("../evidence/scene.js").Scene} Scene */
/** @typedef {import("../evidence/fusion.js").Signals} Signals */
/** @typedef {import("../evidence/fusion.js").Fusion} Fusion */
/** @typedef {import("../evidence/matrix.js").Heads} Heads */
/** @typedef {import("../evidence/matrix.js").Frames} Frames */

/** Multiplications that are done on every frame, and those that are done at all before Python is asked. */
const LIVE = 3e6;
const OWN = 3e7;
/** Python has not answered for so long, in ms: is there one? */
const PATIENCE = 2500;
/** How long the page may be held up at a time, in ms. */
const SLICE = 10;
/** So many layers of a long input are kept. */
const KEPT = 4;
/** Thumbnails of long inputs are pooled to this many cells a side. */
const THUMB = 64;

/** @param {Pair} pair @returns {Pair} */
const thumb = ({ plus, minus, n }) => {
  if (n <= 2 * THUMB) return { plus, minus, n };
  /** @param {Float32Array} values */
  const small = (values) => poolCells(values, n, { row: 0, column: 0, side: n }, THUMB).values;
  return { plus: small(plus), minus: small(minus), n: THUMB };
};

/** @param {(content: any) => void} send @param {() => void} changed */
export const createMatrixSource = (send, changed) => {
  let id = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** The layer that is asked for; −1: none. */
  let asked = -1;
  /** @type {(() => void) | null} works the answer out here */
  let alone = null;
  /**
   * What is known of the present signals and fusion: S after some layers, and the thumbnails.
   * @param {Signals | null} signals @param {Fusion | null} fusion
   */
  const unknown = (signals, fusion) => ({
    signals,
    fusion,
    pairs: /** @type {Map<number, Pair>} */ (new Map()),
    film: /** @type {Pair[] | null} */ (null),
  });
  let known = unknown(null, null);
  /** @type {Frames} */
  let last = { pair: null, film: null, late: true };
  let heads = { r: /** @type {unknown} */ (null), layers: /** @type {Map<number, Heads>} */ (new Map()) };

  const allOf = memo((/** @type {Signals} */ signals, /** @type {Fusion} */ fusion) =>
    rollAllBlocks(signals, fusion, 0, signals.layers),
  );
  const oneOf = memo(
    (/** @type {Signals} */ signals, /** @type {Fusion} */ fusion, /** @type {number} */ b) =>
      rollAllBlocks(signals, fusion, b, b + 1)[0],
  );
  // Of long inputs all layers together would take tens of megabytes: one is kept, and the thumbnails.
  const onesOf = memo((/** @type {Signals} */ signals, /** @type {Fusion} */ fusion) =>
    times(signals.layers, (b) => thumb(rollAllBlocks(signals, fusion, b, b + 1)[0])),
  );

  /** @param {Scene} scene @param {number} b */
  function upto({ signals, fusion, state }, b) {
    if (known.signals !== signals || known.fusion !== fusion) {
      known = unknown(signals, fusion);
      rest();
    }
    const pair = known.pairs.get(b);
    if (pair || state.dragging)
      return pair ? { pair, film: known.film, late: false } : { ...last, late: true };
    if (asked !== b) {
      rest();
      asked = b;
      alone = () => slice(rollBlocks(signals, fusion, 0, signals.layers), b, []);
      send({ kind: "rollout", id: ++id, lam: state.lam, layer: b, film: !known.film });
      timer = setTimeout(alone, PATIENCE);
    }
    return { ...last, late: true };
  }

  /**
   * @param {Generator<Pair | null>} work @param {number} b the layer that is waited for
   * @param {Pair[]} film
   */
  function slice(work, b, film) {
    const end = performance.now() + SLICE;
    for (let step = work.next(); ; step = work.next()) {
      if (step.done) {
        known.film = film;
        changed();
        return;
      }
      if (step.value) {
        if (film.length === b) {
          known.pairs.set(b, step.value);
          changed();
        }
        film.push(thumb(step.value));
      }
      if (performance.now() > end) break;
    }
    timer = setTimeout(() => slice(work, b, film));
  }

  function rest() {
    clearTimeout(timer);
    asked = -1;
  }

  return {
    /** @param {Scene} scene @param {number} b @param {boolean} single this layer alone @returns {Frames} */
    frames(scene, b, single) {
      const { signals, fusion, state } = scene;
      const { layers: L, tokens: T } = signals;
      if (!scene.exact) return { pair: null, film: null, late: true };
      const cost = single ? L * T * T : L * T ** 3;
      if (!single && cost > OWN) last = upto(scene, b);
      else if (state.dragging && cost > LIVE && last.pair?.n === T) last = { ...last, late: true };
      else if (single) last = { pair: oneOf(signals, fusion, b), film: onesOf(signals, fusion), late: false };
      else {
        const all = allOf(signals, fusion);
        last = { pair: all[b], film: all, late: false };
      }
      return last;
    },

    /**
     * The heads of a layer; asking is what this does when `ask` is set.
     * @param {Scene} scene @param {number} b @param {boolean} ask @returns {Heads | null}
     */
    heads({ x }, b, ask) {
      if (x.noHeads) return { heads: null, reason: x.noHeads };
      if (heads.r !== x.r) heads = { r: x.r, layers: new Map() };
      if (ask && !heads.layers.has(b)) {
        heads.layers.set(b, { heads: null, reason: "" });
        send({ kind: "heads", layer: b });
      }
      return heads.layers.get(b) ?? null;
    },

    /**
     * What Python says; false when it is about something else.
     * @param {any} content @param {DataView[]} buffers @param {number} tokens
     */
    receive(content, buffers, tokens) {
      const layer = content.layer;
      const error = content.error;
      const read = () => readMatrices(buffers[0], content, tokens) ?? [];
      if (content.kind === "heads")
        heads.layers.set(layer, { heads: error ? null : read(), reason: error ?? "" });
      else if (content.kind !== "rollout") return false;
      // An answer to an earlier question comes too late.
      else if (content.id === id && asked === layer) {
        clearTimeout(timer);
        if (error) alone?.();
        else {
          const [plus, minus] = read();
          if (known.pairs.size >= KEPT) known.pairs.clear();
          known.pairs.set(layer, { plus, minus, n: tokens });
          const film = content.film;
          const n = film?.cells;
          const thumbs = film && readMatrices(buffers[1], film, n);
          if (thumbs)
            known.film = times(thumbs.length / 2, (b) => ({
              plus: thumbs[2 * b],
              minus: thumbs[2 * b + 1],
              n,
            }));
          asked = -1;
        }
      }
      changed();
      return true;
    },

    stop: rest,
  };
};

/** @typedef {ReturnType<typeof createMatrixSource>} MatrixSource */
