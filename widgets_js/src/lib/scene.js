/**
 * Everything the views draw from, computed from an explanation and the state; each stage only when
 * what it depends on has changed.
 */
import { steps, strongest } from "./ancestry.js";
import { rightToLeft } from "./format.js";
import { fuse, normalise } from "./fusion.js";
import { picture } from "./picture.js";
import { answers } from "./question.js";
import { sweep } from "./sweep.js";
import { units } from "./units.js";
import { sight } from "./zoom.js";

/** @typedef {import("./wire.js").Explanation} Explanation */
/** @typedef {import("./store.js").State} State */
/** @typedef {ReturnType<typeof strongest>} Ancestry */

/**
 * @typedef {object} Scene
 * @property {Explanation} x
 * @property {State} state
 * @property {import("./fusion.js").Signals} signals
 * @property {import("./fusion.js").Fusion} fusion
 * @property {import("./units.js").Units} units
 * @property {import("./picture.js").Picture} picture
 * @property {boolean} exact the matrices are here
 * @property {boolean} pending the picture answers an earlier question
 * @property {boolean} empty there is no ordinary token
 * @property {boolean} rtl
 * @property {{first: number, last: number}} sight units in sight, the last one exclusive
 * @property {number[]} selected units
 * @property {number[]} resting units whose ribbons are drawn while none is pointed at
 * @property {number[]} active units whose ribbons are drawn, in reading order
 * @property {number | null} layer layer shown by text and ledger; null: all
 * @property {(unit: number) => Ancestry | null} ancestry null while it cannot keep up
 */

/** Above this many matrix entries ribbons wait until λ rests. */
const HEAVY = 1.5e6;
/** Above this many the first paint does not wait for them. */
const SLOW = 5e4;
/** @param {import("./fusion.js").Signals} signals @param {number} [least] */
const heavy = ({ layers, tokens, matrices }, least = HEAVY) => matrices !== null && layers * tokens ** 2 > least;
/** Steps below this share of a word's evidence are never among those drawn. */
const FAINT = 1e-3;
/** How many words grow ribbons when none is selected. */
const AT_REST = 3;

/**
 * Remember the last result; arguments are compared by identity.
 * @template {any[]} A @template R
 * @param {(...args: A) => R} f
 * @returns {(...args: A) => R}
 */
export function memo(f) {
  /** @type {A | undefined} */
  let last;
  /** @type {R} */
  let result;
  return (...args) => {
    const known = last;
    if (!known || args.some((a, i) => a !== known[i])) {
      result = f(...args);
      last = args;
    }
    return result;
  };
}

/** While playing, text and ledger follow the front. @param {State} state @param {number} layers */
function layerShown({ play, layer }, layers) {
  if (play !== null) return play >= layers ? null : Math.floor(play);
  return layer;
}

export function sceneMaker() {
  const signalsOf = memo((/** @type {Explanation} */ x) => normalise(x.r, x.matrices, x.columns));
  const unitsOf = memo(units);
  const rtlOf = memo((/** @type {Explanation} */ x) => rightToLeft(x.text || x.tokens.join(" ")));
  const fusionOf = memo((/** @type {Explanation} */ x, /** @type {number} */ lam) => ({
    lam,
    gamma: x.gamma,
    weights: x.weights,
    readout: x.readout,
    pooled: x.pooled,
  }));
  const fusedOf = memo(fuse);
  const sweepOf = memo((/** @type {Explanation} */ x, /** @type {import("./fusion.js").Signals} */ signals) =>
    heavy(signals) ? sweep(signals, fusionOf(x, 0)) : null,
  );
  const blendOf = memo(
    (/** @type {NonNullable<ReturnType<typeof sweepOf>>} */ swept, /** @type {number} */ lam) => swept.at(lam),
  );
  const pictureOf = memo(picture);
  /** The last question that could be answered stays on screen until the next one is. */
  let sign = /** @type {1 | -1} */ (1);
  /** @type {Explanation | undefined} */
  let seen;
  const ancestriesOf = memo(
    (
      /** @type {import("./fusion.js").Signals} */ signals,
      /** @type {import("./fusion.js").Fusion} */ fusion,
      /** @type {import("./units.js").Units} */ u,
      /** @type {import("./picture.js").Picture} */ p,
      /** @type {1 | -1} */ direction,
    ) => {
      /** @type {Map<number, Ancestry>} */
      const known = new Map();
      return (/** @type {number} */ unit) => {
        let found = known.get(unit);
        if (!found) {
          const total = p.supporting[unit] + p.opposing[unit];
          const edges = steps(signals, fusion, u.members[unit], u, total * FAINT);
          if (direction < 0) for (const e of edges) e.sign = e.sign > 0 ? -1 : 1;
          // Read out at a few positions only, a word's steps need not start at the word.
          found = strongest(edges, unit, total, { connected: fusion.readout === "all" });
          known.set(unit, found);
        }
        return found;
      };
    },
  );

  /** @param {Explanation} x @param {State} asked @returns {Scene} */
  const make = (x, asked) => {
    // Python may ask for a layer that this explanation does not have.
    const known = asked.layer !== null && asked.layer >= 0 && asked.layer < x.weights.length;
    const state = known ? asked : { ...asked, layer: null };
    const answer = answers(x, state);
    if (x !== seen) {
      seen = x;
      sign = 1;
    }
    if (answer) sign = answer;
    const signals = signalsOf(x);
    const u = unitsOf(x, state.granularity);
    const fusion = fusionOf(x, state.lam);
    const swept = state.dragging && sweepOf(x, signals);
    const fused = (swept && blendOf(swept, state.lam)) || fusedOf(signals, fusion);
    const p = pictureOf(x, u, fused, sign);
    const selected = [...new Set(state.selected.filter((t) => t < x.tokens.length).map((t) => u.of[t]))];
    const inSight = sight(u, state.span);
    const leading = state.span ? p.order.filter((unit) => unit >= inSight.first && unit < inSight.last) : p.order;
    const resting = selected.length
      ? selected
      : leading.slice(0, AT_REST).filter((unit) => p.supporting[unit] + p.opposing[unit] > 0);
    const chosen = state.preview !== null && state.preview < u.count ? [state.preview] : resting;
    const find = ancestriesOf(signals, fusion, u, p, sign);
    const waits = (state.dragging && heavy(signals)) || (state.fresh && heavy(signals, SLOW));
    return {
      x,
      state,
      signals,
      fusion,
      units: u,
      picture: p,
      exact: fused.exact,
      pending: answer === 0,
      empty: p.order.length === 0,
      rtl: rtlOf(x),
      sight: inSight,
      resting,
      selected,
      active: chosen.toSorted((a, b) => a - b),
      layer: layerShown(state, signals.layers),
      ancestry: (unit) => (waits || !fused.exact ? null : find(unit)),
    };
  };
  /** Make λ light, a little at a time. @param {Explanation} x whether anything is left to do */
  const prepare = (x) => x.matrices !== null && Boolean(sweepOf(x, signalsOf(x))?.prepare());
  return Object.assign(make, { prepare });
}
