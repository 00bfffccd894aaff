/** The widget: connects the model (traits, messages) with one sheet of views. */
import { createActions } from "./actions.js";
import { SHARED, createStore } from "./lib/store.js";
import { stageOf } from "./stage.js";
import { createMatrices } from "./matrices.js";
import { createSheet } from "./views/sheet.js";

/** What of anywidget's model is used here. @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(name: string, value: any) => void} set
 * @property {() => void} save_changes
 * @property {(content: any) => void} send
 * @property {(event: string, callback: (...args: any[]) => void) => void} on
 * @property {(event: string, callback: (...args: any[]) => void) => void} off
 */

/** What moves all the time is told to Python at most this often, in ms. */
const PACE = 100;
/** Between two slices of what is prepared for later, in ms. */
const BREATH = 40;

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el: host }) {
  const get = (/** @type {string} */ name) => model.get(name);
  /** @param {Set<string>} [but] @returns {Partial<import("./lib/store.js").State>} */
  const shared = (but) =>
    Object.fromEntries(
      SHARED.filter((name) => !but?.has(name)).map((name) => [name, get(name)]).filter(([, value]) => value !== undefined),
    );
  const status = () => ({ busy: Boolean(get("_busy")), error: String(get("_error") ?? "") });
  const store = createStore({ target: -1, ...shared(), ...status() });
  const stage = stageOf(get);
  let scene = stage.scene(store.state);
  const actions = createActions(store, () => (scene = stage.scene(store.state)));
  const matrices = createMatrices((content) => model.send(content), later);
  const sheet = createSheet(get("_view") ?? "workbench", actions, matrices, later);
  host.replaceChildren(sheet.root);

  let frame = 0;
  let stale = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let idle;
  function later() {
    frame ||= requestAnimationFrame(draw);
  }
  function draw() {
    frame = 0;
    if (stale) reload();
    scene = stage.scene(store.state);
    sheet.draw(scene);
  }

  /** The data traits come one by one: read them together, once a frame. */
  function reload() {
    stale = false;
    try {
      stage.read();
      complete();
    } catch (error) {
      // Traits of two explanations may mix for a moment; the next change brings the rest.
      store.set({ error: error instanceof Error ? error.message : String(error) });
    }
  }

  /** What is large comes on request, after the first paint; then the drag of λ is made light. */
  function complete() {
    for (const content of stage.missing()) model.send(content);
    clearTimeout(idle);
    const slice = () => {
      if (!store.state.dragging && !stage.prepare()) return;
      idle = setTimeout(slice, BREATH);
    };
    idle = setTimeout(slice, BREATH);
  }

  const tell = teller(model, () => store.state);
  /** @type {[string, (...args: any[]) => void][]} */
  const subscriptions = [
    ...stage.traits.map((name) => subscription(name, () => ((stale = true), store.set({ error: "" }), later()))),
    // All at once: traits set together are announced one by one.
    ...SHARED.map((name) => subscription(name, () => store.set(shared(tell.untold)))),
    ...["_busy", "_error"].map((name) => subscription(name, () => store.set(status()))),
    [
      "msg:custom",
      (content, buffers) => {
        try {
          if (["rollout", "heads"].includes(content?.kind)) return matrices.receive(content, buffers, scene.x.tokens.length);
          if (content?.kind !== "matrices" || !buffers?.[0]) return;
          stage.take(content, buffers[0]);
          complete();
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

  const unlisten = store.listen((changed) => {
    tell(changed);
    later();
  });

  // The first paint comes at once; what takes longer, the ribbons of long inputs and their matrices, after it.
  store.state.dragging = store.state.fresh = true;
  draw();
  const first = setTimeout(() => {
    store.set({ dragging: false, fresh: false });
    complete();
  });

  return () => {
    clearTimeout(first);
    clearTimeout(idle);
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
 * Changes of the shared state go to Python; what is dragged or played no more often than it can follow.
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
    const { dragging, playing } = state();
    const flows = (/** @type {string} */ name) => (dragging && (name === "lam" || name === "span")) || (playing && name === "play");
    if (!untold.size) return;
    if ([...untold].every(flows)) waiting ??= setTimeout(save, PACE);
    else {
      clearTimeout(waiting);
      save();
    }
  };
  return Object.assign(tell, { untold, stop: () => clearTimeout(waiting) });
}

export default { render };
