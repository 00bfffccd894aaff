/** A widget: connects the model (traits, messages) with one sheet of views. */
import { createActions } from "../state/actions.js";
import { createMatrices } from "../state/matrix_source.js";
import { createStore, SHARED } from "../state/store.js";
import { teller } from "../state/sync.js";
import { createSheet } from "../views/sheet.js";
import { stageOf } from "./explanations.js";

/** Between two slices of what is prepared for later, in ms. */
const BREATH = 40;

/**
 * @param {import("../views/sheet.js").Arrange} arrange which views stand on the sheet
 * @param {string[]} keys what the keys do
 * @returns {(context: {model: import("../state/sync.js").Model, el: HTMLElement}) => () => void} what anywidget calls; it returns the stop
 */
export const widget =
  (arrange, keys) =>
  ({ model, el: host }) => {
    const get = (/** @type {string} */ name) => model.get(name);
    /** @param {Set<string>} [but] @returns {Partial<import("../state/store.js").State>} */
    const shared = (but) =>
      Object.fromEntries(
        SHARED.filter((name) => !but?.has(name) && get(name) !== undefined).map((name) => [name, get(name)]),
      );
    const status = () => ({ busy: get("_busy"), error: get("_error") ?? "" });
    const store = createStore({ target: -1, ...shared(), ...status() });
    const stage = stageOf(get);
    let scene = stage.scene(store.state);
    const send = (/** @type {object} */ question) => model.send(question);
    const actions = createActions(store, () => (scene = stage.scene(store.state)), send);
    const matrices = createMatrices(send, later);
    const sheet = createSheet(get, arrange, keys, actions, matrices, later);
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
        store.set({ error: /** @type {Error} */ (error).message });
      }
    }

    /** What is large comes on request, after the first paint; then the drag of λ is made light. */
    function complete() {
      stage.missing().forEach(send);
      clearTimeout(idle);
      const slice = () => {
        if (store.state.dragging || stage.prepare()) idle = setTimeout(slice, BREATH);
      };
      idle = setTimeout(slice, BREATH);
    }

    const tell = teller(model, store);
    /** @type {Record<string, (...args: any[]) => void>} */
    const heard = {
      "msg:custom"(content, buffers) {
        try {
          if (content.kind === "check") store.set({ note: content.text ?? content.error });
          if (matrices.receive(content, buffers, scene.x.tokens.length)) return;
          if (!buffers?.[0]) return;
          stage.take(content, buffers[0]);
          complete();
        } catch {
          // The answer to an earlier question; the one to this question is still to come.
        }
        later();
      },
    };
    const hear = (/** @type {readonly string[]} */ names, /** @type {() => void} */ f) => {
      for (const name of names) heard[`change:${name}`] = f;
    };
    hear(stage.traits, () => {
      stale = true;
      store.set({ error: "" });
      later();
    });
    // All at once: traits set together are announced one by one.
    hear(SHARED, () => store.set(shared(tell.untold)));
    hear(["_busy", "_error"], () => store.set(status()));
    for (const event in heard) model.on(event, heard[event]);

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
      for (const event in heard) model.off(event, heard[event]);
      unlisten();
      for (const part of [tell, actions, matrices, sheet]) part.stop();
      sheet.root.remove();
    };
  };
