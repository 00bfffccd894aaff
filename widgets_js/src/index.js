/** The widget: connects the model (traits, messages) with one sheet of views. */
import { createActions } from "./actions.js";
import { sceneMaker } from "./lib/scene.js";
import { SHARED, createStore } from "./lib/store.js";
import { createMatrices } from "./matrices.js";
import { readExplanation, readMatrices } from "./lib/wire.js";
import { createSheet } from "./views/sheet.js";

/** What of anywidget's model is used here. @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(name: string, value: any) => void} set
 * @property {() => void} save_changes
 * @property {(content: any) => void} send
 * @property {(event: string, callback: (...args: any[]) => void) => void} on
 * @property {(event: string, callback: (...args: any[]) => void) => void} off
 */

const DATA = ["_meta", "_r", "_G_columns", "_matrices"];
/** λ is told to Python at most this often while it is dragged, in ms. */
const PACE = 100;

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el: host }) {
  const get = (/** @type {string} */ name) => model.get(name);
  /** @returns {Partial<import("./lib/store.js").State>} */
  const shared = () =>
    Object.fromEntries(SHARED.map((name) => [name, get(name)]).filter(([, value]) => value !== undefined));
  const status = () => ({ busy: Boolean(get("_busy")), error: String(get("_error") ?? "") });
  const store = createStore({ ...shared(), ...status() });
  const makeScene = sceneMaker();
  let x = readExplanation(get);
  let scene = makeScene(x, store.state);
  const actions = createActions(store, () => (scene = makeScene(x, store.state)));
  const matrices = createMatrices((content) => model.send(content), later);
  const sheet = createSheet(get("_view") ?? "workbench", actions, matrices, later);
  host.replaceChildren(sheet.root);

  let frame = 0;
  let stale = false;
  function later() {
    frame ||= requestAnimationFrame(draw);
  }
  function draw() {
    frame = 0;
    if (stale) reload();
    scene = makeScene(x, store.state);
    sheet.draw(scene);
  }

  /** The data traits come one by one: read them together, once a frame. */
  function reload() {
    stale = false;
    try {
      x = readExplanation(get);
      ask();
    } catch (error) {
      // Traits of two explanations may mix for a moment; the next change brings the rest.
      store.set({ error: error instanceof Error ? error.message : String(error) });
    }
  }

  /** The matrices of long inputs come on request, after the first paint. */
  function ask() {
    if (!x.matrices) model.send({ kind: "matrices" });
  }

  /** @type {[string, (...args: any[]) => void][]} */
  const subscriptions = [
    ...DATA.map((name) => subscription(name, () => ((stale = true), store.set({ error: "" }), later()))),
    // All at once: traits set together are announced one by one.
    ...SHARED.map((name) => subscription(name, () => store.set(shared()))),
    ...["_busy", "_error"].map((name) => subscription(name, () => store.set(status()))),
    [
      "msg:custom",
      (content, buffers) => {
        try {
          if (["rollout", "heads"].includes(content?.kind)) return matrices.receive(content, buffers, x.tokens.length);
          if (content?.kind !== "matrices" || !buffers?.[0]) return;
          x = { ...x, matrices: readMatrices(buffers[0], get("_meta").matrix, x.tokens.length) };
        } catch {
          // The answer to an earlier question; the one to this question is still to come.
        }
        later();
      },
    ],
  ];
  /** @param {string} name @param {() => void} f @returns {[string, () => void]} */
  function subscription(name, f) {
    return [`change:${name}`, f];
  }
  for (const [event, f] of subscriptions) model.on(event, f);

  const tell = teller(model, () => store.state);
  const unlisten = store.listen((changed) => {
    tell(changed);
    later();
  });

  // The first paint comes at once; what takes longer, the ribbons of long inputs and their matrices, after it.
  store.state.dragging = true;
  draw();
  const first = setTimeout(() => {
    store.set({ dragging: false });
    ask();
  });

  return () => {
    clearTimeout(first);
    cancelAnimationFrame(frame);
    for (const [event, f] of subscriptions) model.off(event, f);
    unlisten();
    tell.stop();
    actions.stop();
    matrices.stop();
    sheet.stop();
    sheet.root.remove();
  };
}

/**
 * Changes of the shared state go to Python; λ no more often than it can follow.
 * @param {Model} model @param {() => import("./lib/store.js").State} state
 */
function teller(model, state) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  /** @type {Set<string>} */
  const untold = new Set();
  const save = () => {
    waiting = undefined;
    const now = /** @type {Record<string, any>} */ (state());
    const known = (/** @type {string} */ name) => JSON.stringify(model.get(name) ?? null);
    const news = [...untold].filter((name) => known(name) !== JSON.stringify(now[name] ?? null));
    untold.clear();
    if (!news.length) return;
    for (const name of news) model.set(name, now[name]);
    model.save_changes();
  };
  const tell = (/** @type {Set<string>} */ changed) => {
    for (const name of SHARED) if (changed.has(name)) untold.add(name);
    const moving = state().dragging && [...untold].every((name) => name === "lam");
    if (!untold.size) return;
    if (moving) waiting ??= setTimeout(save, PACE);
    else {
      clearTimeout(waiting);
      save();
    }
  };
  return Object.assign(tell, { stop: () => clearTimeout(waiting) });
}

export default { render };
