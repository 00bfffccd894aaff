/** Changes of the shared state go to Python; what is dragged or played no more often than it can follow. */
import { SHARED } from "./store.js";

/** What moves all the time is told at most this often, in ms. */
const PACE = 100;

/** @typedef {import("./store.js").State} State */
/** What of anywidget's model is used here. @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(name: string, value: any) => void} set
 * @property {() => void} save_changes
 * @property {(content: any) => void} send
 * @property {(event: string, callback: (...args: any[]) => void) => void} on
 * @property {(event: string, callback: (...args: any[]) => void) => void} off
 */

/** @param {Model} model @param {import("./store.js").Store} store */
export const teller = (model, store) => {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  /** @type {Set<keyof State>} */
  const untold = new Set();
  const stop = () => clearTimeout(waiting);
  const save = () => {
    stop();
    waiting = undefined;
    const plain = (/** @type {unknown} */ value) => JSON.stringify(value ?? null);
    const { state } = store;
    const news = [...untold].filter((name) => plain(model.get(name)) !== plain(state[name]));
    untold.clear();
    for (const name of news) model.set(name, state[name]);
    if (news.length) model.save_changes();
  };
  const tell = (/** @type {Set<string>} */ changed) => {
    for (const name of SHARED) if (changed.has(name)) untold.add(name);
    const { dragging, playing } = store.state;
    const flows = (/** @type {keyof State} */ name) =>
      (dragging && /^(lam|span)$/.test(name)) || (playing && name === "play");
    if (!untold.size) return;
    if ([...untold].every(flows)) waiting ??= setTimeout(save, PACE);
    else save();
  };
  return Object.assign(tell, { untold, stop });
};
