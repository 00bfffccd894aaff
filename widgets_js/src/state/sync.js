/** Changes of the shared state go to Python; what is dragged or played no more often than it can follow. */
import { SHARED } from "./store.js";

/** What moves all the time is told at most this often, in ms. */
const PACE = 100;

/** @typedef {import("./store.js").State} State */

/**
 * What of anywidget's model is used here.
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(name: string, value: any) => void} set
 * @property {() => void} save_changes
 * @property {(content: any) => void} send
 * @property {(event: string, callback: (...args: any[]) => void) => void} on
 * @property {(event: string, callback: (...args: any[]) => void) => void} off
 */

/** @param {Model} model @param {import("./store.js").Store} store */
export const createSync = (model, store) => {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  /** @type {Set<keyof State>} */
  const pending = new Set();
  const stop = () => clearTimeout(waiting);
  const save = () => {
    stop();
    waiting = undefined;
    /** @param {unknown} value */
    const plain = (value) => JSON.stringify(value ?? null);
    const { state } = store;
    const news = [...pending].filter((name) => plain(model.get(name)) !== plain(state[name]));
    pending.clear();
    for (const name of news) model.set(name, state[name]);
    if (news.length) model.save_changes();
  };
  /** @param {Set<string>} changed */
  const push = (changed) => {
    for (const name of SHARED) if (changed.has(name)) pending.add(name);
    const { dragging, playing } = store.state;
    /** @param {keyof State} name */
    const flows = (name) => (dragging && /^(lam|span)$/.test(name)) || (playing && name === "play");
    if (!pending.size) return;
    if ([...pending].every(flows)) waiting ??= setTimeout(save, PACE);
    else save();
  };
  return { push, pending, stop };
};
