/** One state for all linked views. */

/** @typedef {import("../evidence/settings.js").State} State */

/** Traits of the Python side that are part of the state.
 * @type {(keyof State)[]} */
export const SHARED = [
  "selected",
  "layer",
  "lam",
  "channel",
  "granularity",
  "theme",
  "target",
  "contrast",
  "span",
  "play",
  "alone",
  "residual",
  "cell",
  "head",
  "heads",
  "zoom",
  "matrix",
];

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

/**
 * A bundle with a trait of its own brings it along, before anything else is made.
 * @param {string} name @param {unknown} initial
 */
export const addTrait = (name, initial) => {
  Object.assign(INITIAL, { [name]: initial });
  SHARED.push(/** @type {keyof State} */ (name));
};

/** @param {unknown} a @param {unknown} b */
export const isEqual = (a, b) =>
  Object.is(a, b) ||
  (Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((v, i) => v === b[i]));

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
      const changed = new Set(
        Object.entries(patch)
          .filter(([k, v]) => !isEqual(old[k], v))
          .map(([k]) => k),
      );
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
