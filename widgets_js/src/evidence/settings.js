/** What can be set in the views. */

/** @typedef {import("./units.js").Granularity} Granularity */
/** @typedef {(typeof CHANNELS)[number]} Channel */

/**
 * The first block is shared with Python, name for name; the rest lives in the page only.
 * @typedef {object} State
 * @property {number[]} selected tokens
 * @property {number | null} layer null: all
 * @property {number} lam
 * @property {Channel} channel
 * @property {Granularity} granularity
 * @property {"auto" | "light" | "dark"} theme
 * @property {number} target
 * @property {number | null} contrast
 * @property {[number, number] | null} span first and last token in sight; null: all
 * @property {number | null} play layers passed so far, with fraction; null: not playing
 * @property {boolean} alone the matrix of one layer instead of the rollout up to it
 * @property {boolean} residual the matrix with what each position brought along itself
 * @property {number[]} cell row and column of the pinned cell, tokens; or nothing
 * @property {number | null} head whose matrix is shown; null: all heads fused
 * @property {boolean} heads the heads are laid out
 * @property {number[]} zoom part of the matrix that is shown: first row, first column, side; or nothing
 * @property {boolean} matrix the workbench's matrix is unfolded
 *
 * @property {[number, number] | null} cross row and column pointed at, units
 * @property {number | null} hover unit pointed at
 * @property {number | null} hoverLayer
 * @property {number | null} preview unit whose ribbons are shown while it is pointed at
 * @property {boolean} playing
 * @property {boolean} dragging λ or the window is being moved: leave out what cannot keep up
 * @property {boolean} held λ was not let go yet, though it may rest: nothing is settled
 * @property {boolean} fresh nothing has been painted yet: leave out what can follow
 * @property {boolean} busy Python is at work
 * @property {string} error
 * @property {string} note
 */

export const CHANNELS = /** @type {const} */ (["net", "supporting", "opposing"]);
