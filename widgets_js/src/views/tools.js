/** Play, layer, λ, granularity. */
import { layerName } from "../lib/format.js";
import { differ, el, roving, set, svg } from "./dom.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */

/** More blocks than this are chosen with a slider. */
const MOST = 12;
const PLAY = "M3.500 1.600 14 8 3.500 14.400z";
const PAUSE = "M3.500 2h3v12h-3zM9.500 2h3v12h-3z";

/**
 * @param {import("../actions.js").Actions} actions
 * @param {{slider?: boolean, play?: boolean}} [options] choose the layer with a slider in any case; offer to play
 */
export function toolsView(actions, { slider = false, play: plays = true } = {}) {
  const play = playView(actions);
  play.hidden = !plays;
  const layer = el("div", { class: "tool layers" });
  const lam = lamView(actions);
  const granularity = granularityView(actions);
  const root = el("div", { class: "tools" }, play, layer, lam, granularity);
  const fresh = differ();
  /** @type {HTMLElement & {draw(scene: Scene): void}} */
  let picker;

  return Object.assign(root, {
    /** @param {Scene} scene */
    draw(scene) {
      const L = scene.x.weights.length;
      if (fresh(L)) {
        picker = slider || L > MOST ? layerSlider(actions, L) : layerRadios(actions, L);
        layer.replaceChildren(picker);
      }
      for (const part of [play, picker, lam, granularity]) part.draw(scene);
    },
  });
}

/** @param {import("../actions.js").Actions} actions */
function playView(actions) {
  const path = svg("path");
  const text = el("span");
  const root = el(
    "button",
    { type: "button", class: "icon play" },
    svg("svg", { viewBox: "0 0 16 16", "aria-hidden": true }, path),
    text,
  );
  root.addEventListener("click", actions.play);
  return Object.assign(root, {
    /** @param {Scene} scene */
    draw({ state, x, empty }) {
      const paused = state.play !== null && state.play < x.weights.length;
      path.setAttribute("d", state.playing ? PAUSE : PLAY);
      text.textContent = state.playing ? "Pause" : paused ? "Resume" : "Play";
      set(root, { disabled: empty, title: "Walk through the layers" });
    },
  });
}

/** @param {import("../actions.js").Actions} actions @param {number} L */
function layerRadios(actions, L) {
  const group = el("div", { class: "segments", role: "radiogroup", "aria-label": "Layer" });
  for (const b of [null, ...Array(L).keys()]) {
    const radio = el(
      "button",
      { type: "button", role: "radio", "aria-label": b === null ? "All layers" : layerName(b, L) },
      b === null ? "all" : String(b),
    );
    radio.addEventListener("click", () => actions.layer(b));
    group.append(radio);
  }
  roving(group, "[role=radio]", (radio) => radio.click());
  return Object.assign(el("div", { class: "tool" }, el("span", { class: "label" }, "layer"), group), {
    /** @param {Scene} scene */
    draw({ state }) {
      check(group, state.layer === null ? 0 : state.layer + 1);
    },
  });
}

/** @param {import("../actions.js").Actions} actions @param {number} L */
function layerSlider(actions, L) {
  // One beyond the last block stands for all of them.
  const input = el("input", { type: "range", min: 0, max: L, step: 1, "aria-label": "Layer" });
  const output = el("output", { class: "wide" });
  input.addEventListener("input", () => actions.layer(Number(input.value) === L ? null : Number(input.value)));
  const root = el("label", { class: "tool slider" }, el("span", { class: "label" }, "layer"), input, output);
  return Object.assign(root, {
    /** @param {Scene} scene */
    draw({ layer }) {
      const at = layer ?? L;
      const name = layer === null ? "all" : layer === 0 ? "emb." : String(layer);
      input.value = String(at);
      input.style.setProperty("--p", String(at / L));
      set(input, { "aria-valuetext": layer === null ? "all layers" : layerName(layer, L) });
      output.textContent = name;
    },
  });
}

/** @param {import("../actions.js").Actions} actions */
function lamView(actions) {
  const input = el("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.01,
    "aria-label": "Lambda: weight of the hidden states against the attention",
    title: "Double click: 0.50",
  });
  const output = el("output");
  input.addEventListener("input", () => actions.lam(Number(input.value)));
  input.addEventListener("change", () => actions.lam(Number(input.value), true));
  input.addEventListener("dblclick", () => actions.lam(0.5, true));
  const end = (/** @type {string} */ text) => el("span", { class: "end" }, text);
  const root = el(
    "label",
    { class: "tool slider lam" },
    el("span", { class: "label" }, "λ"),
    end("attention"),
    input,
    end("hidden states"),
    output,
  );
  return Object.assign(root, {
    /** @param {Scene} scene */
    draw({ state }) {
      // Written only when it differs: writing it back would fight the hand that drags it.
      const own = Number.isNaN(state.lam);
      const lam = own ? 0.5 : state.lam;
      if (Number(input.value) !== lam) input.value = String(lam);
      input.style.setProperty("--p", String(lam));
      output.textContent = own ? "own" : lam.toFixed(2);
    },
  });
}

/** @param {import("../actions.js").Actions} actions */
function granularityView(actions) {
  const names = /** @type {const} */ (["passage", "sentence", "word", "token"]);
  const group = el("div", { class: "segments", role: "radiogroup", "aria-label": "Granularity" });
  for (const name of names) {
    const radio = el("button", { type: "button", role: "radio" }, `${name}s`);
    radio.addEventListener("click", () => actions.granularity(name));
    group.append(radio);
  }
  roving(group, "[role=radio]", (radio) => radio.click());
  return Object.assign(el("div", { class: "tool right" }, el("span", { class: "label" }, "show"), group), {
    /** @param {Scene} scene */
    draw({ state, x }) {
      // What is one passage needs no grain of its own.
      const first = /** @type {HTMLElement} */ (group.firstElementChild);
      first.hidden = state.granularity !== "passage" && x.passageIds.every((id) => id <= 0);
      check(group, names.indexOf(state.granularity));
    },
  });
}

/** @param {HTMLElement} group @param {number} at */
function check(group, at) {
  [...group.children].forEach((radio, i) =>
    set(radio, { "aria-checked": String(i === at), tabindex: i === at ? 0 : -1 }),
  );
}
