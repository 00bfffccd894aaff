/** Changes of the shared state go to Python; what is dragged or played no more often than it can follow. */
import { OURS, SHARED } from "./lib/store.js";

/** What moves all the time is told at most this often, in ms. */
const PACE = 100;

/** @param {import("./widget.js").Model} model @param {import("./lib/store.js").Store} store */
export const teller = (model, store) => {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  /** @type {Set<keyof typeof SHARED>} */
  const untold = new Set();
  const stop = () => clearTimeout(waiting);
  const save = () => {
    stop();
    waiting = undefined;
    const plain = (/** @type {unknown} */ value) => JSON.stringify(value ?? null);
    const { state } = store;
    const news = [...untold].filter((name) => plain(model.get(SHARED[name])) !== plain(state[name]));
    untold.clear();
    for (const name of news) model.set(SHARED[name], state[name]);
    if (news.length) model.save_changes();
  };
  const tell = (/** @type {Set<string>} */ changed) => {
    for (const name of OURS) if (changed.has(name)) untold.add(name);
    const { dragging, playing } = store.state;
    const flows = (/** @type {keyof typeof SHARED} */ name) => (dragging && /^(lam|span)$/.test(SHARED[name])) || (playing && SHARED[name] === "play");
    if (!untold.size) return;
    if ([...untold].every(flows)) waiting ??= setTimeout(save, PACE);
    else save();
  };
  return Object.assign(tell, { untold, stop });
};
