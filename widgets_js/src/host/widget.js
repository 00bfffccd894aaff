/** A widget: connects the model (traits, messages) with one sheet of views. */
import { createActions } from "../state/actions.js";
import { createMatrixSource } from "../state/matrix_source.js";
import { createStore, SHARED } from "../state/store.js";
import { createSync } from "../state/sync.js";
import { createSheet } from "../views/sheet.js";
import { createExplanations } from "./explanations.js";

/** Between two slices of what is prepared for later, in ms. */
const BREATH = 40;

/**
 * @param {import("../views/sheet.js").Arrange} arrange which views stand on the sheet
 * @param {string[]} keys what the keys do
 * @returns {(context: {model: import("../state/sync.js").Model, el: HTMLElement}) => () => void}
 *   what anywidget calls; it returns the stop
 */
export const widget =
  (arrange, keys) =>
  ({ model, el: host }) => {
    /** @param {string} name */
    const get = (name) => model.get(name);
    /** @param {Set<string>} [but] @returns {Partial<import("../state/store.js").State>} */
    const shared = (but) =>
      Object.fromEntries(
        SHARED.filter((name) => !but?.has(name) && get(name) !== undefined).map((name) => [name, get(name)]),
      );
    const status = () => ({ busy: get("_busy"), error: get("_error") ?? "" });
    const store = createStore({ target: -1, ...shared(), ...status() });
    const explanations = createExplanations(get);
    let scene = explanations.scene(store.state);
    /** @param {object} question */
    const send = (question) => model.send(question);
    const actions = createActions(store, () => (scene = explanations.scene(store.state)), send);
    const matrixSource = createMatrixSource(send, later);
    const sheet = createSheet(get, arrange, keys, actions, matrixSource, later);
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
      scene = explanations.scene(store.state);
      sheet.draw(scene);
    }

    /** The data traits come one by one: read them together, once a frame. */
    function reload() {
      stale = false;
      try {
        explanations.read();
        complete();
      } catch (error) {
        // Traits of two explanations may mix for a moment; the next change brings the rest.
        store.set({ error: /** @type {Error} */ (error).message });
      }
    }

    /** What is large comes on request, after the first paint; then the drag of λ is made light. */
    function complete() {
      explanations.missing().forEach(send);
      clearTimeout(idle);
      const slice = () => {
        if (store.state.dragging || explanations.prepare()) idle = setTimeout(slice, BREATH);
      };
      idle = setTimeout(slice, BREATH);
    }

    const sync = createSync(model, store);
    /** @type {Record<string, (...args: any[]) => void>} */
    const heard = {
      "msg:custom"(content, buffers) {
        try {
          if (content.kind === "check") store.set({ note: content.text ?? content.error });
          if (matrixSource.receive(content, buffers, scene.x.tokens.length)) return;
          if (!buffers?.[0]) return;
          explanations.take(content, buffers[0]);
          complete();
        } catch {
          // The answer to an earlier question; the one to this question is still to come.
        }
        later();
      },
    };
    /** @param {readonly string[]} names @param {() => void} f */
    const hear = (names, f) => {
      for (const name of names) heard[`change:${name}`] = f;
    };
    hear(explanations.traits, () => {
      stale = true;
      store.set({ error: "" });
      later();
    });
    // All at once: traits set together are announced one by one.
    hear(SHARED, () => store.set(shared(sync.pending)));
    hear(["_busy", "_error"], () => store.set(status()));
    for (const event in heard) model.on(event, heard[event]);

    const unlisten = store.listen((changed) => {
      sync.push(changed);
      later();
    });

    // The first paint comes at once; what takes longer, the ribbons of long inputs and their matrices,
    // after it.
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
      for (const part of [sync, actions, matrixSource, sheet]) part.stop();
      sheet.root.remove();
    };
  };
