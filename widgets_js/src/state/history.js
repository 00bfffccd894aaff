/** Where the reader has been: undo and redo of the exploration. */
import { isEqual, SHARED } from "./store.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {Partial<import("./store.js").State>} Place */

/** The theme is no place; playing, and the wheel over the matrix, pass through too many. */
const EXPLORED = SHARED.filter((name) => !/^(theme|play|zoom)$/.test(name));
const MOST = 200;

/** @param {Store} store */
export const createHistory = (store) => {
  const place = () =>
    /** @type {Place} */ (Object.fromEntries(EXPLORED.map((name) => [name, store.state[name]])));
  /** @type {Place[]} */
  const past = [];
  /** @type {Place[]} */
  const future = [];
  let here = place();
  let travelling = false;
  const stop = store.listen(() => {
    // However long something is dragged, and wherever it rests, it is one step.
    if (travelling || store.state.dragging || store.state.held) return;
    const now = place();
    if (EXPLORED.every((name) => isEqual(now[name], here[name]))) return;
    past.push(here);
    if (past.length > MOST) past.shift();
    future.length = 0;
    here = now;
  });
  /** @param {Place[]} from @param {Place[]} to */
  const travel = (from, to) => {
    const there = from.pop();
    if (!there) return;
    to.push(here);
    here = there;
    travelling = true;
    store.set({
      ...there,
      dragging: false,
      play: null,
      playing: false,
      zoom: [],
      hover: null,
      preview: null,
    });
    travelling = false;
  };
  return {
    undo: () => travel(past, future),
    redo: () => travel(future, past),
    can: () => ({ undo: past.length > 0, redo: future.length > 0 }),
    stop,
  };
};
