/**
 * Everything the views draw from, computed from an explanation and the state; each stage only when
 * what it depends on has changed.
 */

import { MOST, steps, strongestSteps } from "./ancestry.js";
import { sizes } from "./design.js";
import { isRightToLeft } from "./format.js";
import { fuse, normaliseSignals } from "./fusion.js";
import { interpolateLambda } from "./lambda_interpolation.js";
import { floor } from "./maths.js";
import { memo } from "./memo.js";
import { answerSign } from "./question.js";
import { unitEvidence } from "./unit_evidence.js";
import { groupUnits } from "./units.js";
import { unitsInSight } from "./zoom.js";

/** @typedef {import("./wire.js").Explanation} Explanation */
/** @typedef {import("./settings.js").State} State */
/** @typedef {import("./fusion.js").Signals} Signals */
/** @typedef {ReturnType<typeof strongestSteps>} Ancestry */

/**
 * @typedef {object} Scene
 * @property {Explanation} x
 * @property {State} state
 * @property {import("./fusion.js").Signals} signals
 * @property {import("./fusion.js").Fusion} fusion
 * @property {import("./units.js").Units} units
 * @property {import("./unit_evidence.js").UnitEvidence} unitEvidence
 * @property {boolean} exact the matrices are here
 * @property {boolean} pending the picture answers an earlier question
 * @property {boolean} empty there is no ordinary token
 * @property {boolean} rtl
 * @property {{first: number, last: number}} sight units in sight, the last one exclusive
 * @property {number[]} selected units
 * @property {number[]} resting units whose ribbons are drawn while none is pointed at
 * @property {number[]} active units whose ribbons are drawn, in reading order
 * @property {number | null} layer layer shown by text and ledger; null: all
 * @property {number[]} evidence of each unit at that layer, or over all
 * @property {(unit: number) => Ancestry | null} ancestry null while it cannot keep up
 */

/** Above this many matrix entries ribbons wait until λ rests. */
const HEAVY = 1.5e6;
/** Above this many the first paint does not wait for them. */
const SLOW = 5e4;
/** @param {import("./fusion.js").Signals} signals @param {number} [least] */
const heavy = ({ layers, tokens, matrices }, least = HEAVY) =>
  matrices !== null && layers * tokens ** 2 > least;
/** Steps below this share of a word's evidence are never among those drawn. */
const FAINT = 1e-3;
/** How many words grow ribbons when none is selected. */
const { AT_REST } = sizes.scene;

export const createSceneMaker = () => {
  const signalsOf = memo((/** @type {Explanation} */ x) => normaliseSignals(x.r, x.matrices, x.columns));
  const unitsOf = memo(groupUnits);
  const rtlOf = memo((/** @type {Explanation} */ x) => isRightToLeft(x.text || x.tokens.join(" ")));
  const fusionOf = memo(
    (/** @type {Explanation} */ { gamma, weights, readout, pooled }, /** @type {number} */ lam) => ({
      lam,
      gamma,
      weights,
      readout,
      pooled,
    }),
  );
  const fusedOf = memo(fuse);
  const interpolationOf = memo(
    (/** @type {Explanation} */ x, /** @type {Signals} */ signals) =>
      heavy(signals) && interpolateLambda(signals, fusionOf(x, 0)),
  );
  const blendOf = memo(
    (/** @type {ReturnType<typeof interpolateLambda>} */ interpolated, /** @type {number} */ lam) =>
      interpolated.at(lam),
  );
  const evidenceOf = memo(unitEvidence);
  /** The last question that could be answered stays on screen until the next one is. */
  let sign = /** @type {1 | -1} */ (1);
  /** @type {Explanation | undefined} */
  let seen;
  const ancestriesOf = memo(
    (
      /** @type {Signals} */ signals,
      /** @type {import("./fusion.js").Fusion} */ fusion,
      /** @type {import("./units.js").Units} */ u,
      /** @type {import("./unit_evidence.js").UnitEvidence} */ p,
    ) => {
      /** @type {Ancestry[]} */
      const known = [];
      return (/** @type {number} */ unit) => {
        if (known[unit]) return known[unit];
        const total = p.supporting[unit] + p.opposing[unit];
        const edges = steps(signals, fusion, u.members[unit], u, total * FAINT, MOST);
        for (const e of edges) e.sign *= p.sign;
        // Read out at a few positions only, a word's steps need not start at the word.
        known[unit] = strongestSteps(edges, unit, total, fusion.readout === "all");
        return known[unit];
      };
    },
  );

  /** @param {Explanation} x @param {State} asked @returns {Scene} */
  const make = (x, asked) => {
    // Python may ask for a layer that this explanation does not have.
    const known = String(asked.layer) in x.weights;
    const state = known ? asked : { ...asked, layer: null };
    const answer = answerSign(x, state);
    if (x !== seen) {
      seen = x;
      sign = 1;
    }
    if (answer) sign = answer;
    const signals = signalsOf(x);
    const u = unitsOf(x, state.granularity);
    const fusion = fusionOf(x, state.lam);
    const interpolated = state.dragging && interpolationOf(x, signals);
    const fused = (interpolated && blendOf(interpolated, state.lam)) || fusedOf(signals, fusion);
    const p = evidenceOf(x, u, fused, sign);
    const selected = [...new Set(state.selected.filter((t) => t < x.tokens.length).map((t) => u.of[t]))];
    const inSight = unitsInSight(u, state.span);
    const leading = p.order.filter((unit) => unit >= inSight.first && unit < inSight.last);
    // While playing, text and ledger follow the front.
    const { play } = state;
    const layer = play === null ? state.layer : play < signals.layers ? floor(play) : null;
    const resting = selected.length
      ? selected
      : leading.slice(0, AT_REST).filter((unit) => p.supporting[unit] + p.opposing[unit] > 0);
    const chosen = state.preview !== null && state.preview < u.count ? [state.preview] : resting;
    const find = ancestriesOf(signals, fusion, u, p);
    const waits = (state.dragging && heavy(signals)) || (state.fresh && heavy(signals, SLOW));
    return {
      x,
      state,
      signals,
      fusion,
      units: u,
      unitEvidence: p,
      exact: fused.exact,
      pending: answer === 0,
      empty: p.order.length === 0,
      rtl: rtlOf(x),
      sight: inSight,
      resting,
      selected,
      active: chosen.toSorted((a, b) => a - b),
      layer,
      evidence: layer === null ? p.net : p.cells[layer],
      ancestry: (unit) => (waits || !fused.exact ? null : find(unit)),
    };
  };
  /** Make λ light, a little at a time. @param {Explanation} x whether anything is left to do */
  const prepare = (x) => {
    const interpolated = x.matrices && interpolationOf(x, signalsOf(x));
    return interpolated ? interpolated.prepare() : false;
  };
  return Object.assign(make, { prepare });
};
