/** One state for all linked views. */

/** @typedef {import("./units.js").Granularity} Granularity */

/**
 * The first block is shared with Python, name for name; the rest lives in the page only.
 * @typedef {object} State
 * @property {number[]} selected tokens
 * @property {number | null} layer null: all
 * @property {number} lam
 * @property {(typeof CHANNELS)[number]} channel
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

/** The names that Python knows, by our own: what is quoted keeps its name in the bundle. */
export const SHARED = /** @type {const} */ ({
  selected: "selected",
  layer: "layer",
  lam: "lam",
  channel: "channel",
  granularity: "granularity",
  theme: "theme",
  target: "target",
  contrast: "contrast",
  span: "span",
  play: "play",
  alone: "alone",
  residual: "residual",
  cell: "cell",
  head: "head",
  heads: "heads",
  zoom: "zoom",
  matrix: "matrix",
});
export const OURS = /** @type {(keyof typeof SHARED)[]} */ (Object.keys(SHARED));

export const CHANNELS = /** @type {const} */ (["net", "supporting", "opposing"]);

/** @type {State} */
export const INITIAL = {
  selected: [],
  layer: null,
  lam: 0.5,
  channel: "net",
  granularity: "word",
  theme: "auto",
  target: 0,
  contrast: null,
  span: null,
  alone: false,
  residual: false,
  cell: [],
  head: null,
  matrix: false,
  cross: null,
  zoom: [],
  heads: false,
  hover: null,
  hoverLayer: null,
  preview: null,
  play: null,
  playing: false,
  dragging: false,
  held: false,
  fresh: false,
  busy: false,
  error: "",
  note: "",
};

/** A bundle with a trait of its own brings it along, before anything else is made. @param {string} name @param {unknown} initial */
export const bring = (name, initial) => {
  Object.assign(SHARED, { [name]: name });
  Object.assign(INITIAL, { [name]: initial });
  OURS.push(/** @type {keyof typeof SHARED} */ (name));
};

/** @param {unknown} a @param {unknown} b */
export const equal = (a, b) =>
  Object.is(a, b) || (Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((v, i) => v === b[i]));

/**
 * @typedef {object} Store
 * @property {State} state
 * @property {(patch: Partial<State>) => void} set tells the listeners which names changed, if any
 * @property {(listener: (changed: Set<string>) => void) => () => void} listen returns the stop
 */

/** @param {Partial<State>} initial @returns {Store} */
export const createStore = (initial = {}) => {
  /** @type {Set<(changed: Set<string>) => void>} */
  const listeners = new Set();
  const store = {
    state: { ...INITIAL, ...initial },
    /** @param {Partial<State>} patch */
    set(patch) {
      const old = /** @type {Record<string, unknown>} */ (store.state);
      const changed = new Set(Object.entries(patch).filter(([k, v]) => !equal(old[k], v)).map(([k]) => k));
      if (!changed.size) return;
      store.state = { ...store.state, ...patch };
      for (const listener of [...listeners]) listener(changed);
    },
    /** @param {(changed: Set<string>) => void} listener */
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return store;
};
