/** Play, layer, λ, granularity. */
import { sentences } from "../../evidence/design.js";
import { layerName } from "../../evidence/format.js";
import { floor } from "../../evidence/maths.js";
import { GRAINS } from "../../evidence/zoom.js";
import { choice } from "../../kit/choice.js";
import { createChangeTest, el, replaceContent, setAttributes, svg, view } from "../../kit/dom.js";
import { icon } from "../../kit/shapes.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */
/** @typedef {import("../../state/actions.js").Actions} Actions */

/** More blocks than this are chosen with a slider. */
const MOST = 12;
const PLAY = "M3.5 1.6 14 8 3.5 14.4z";
const PAUSE = "M3.5 2h3v12h-3zM9.5 2h3v12h-3z";

/**
 * @param {Actions} actions
 * @param {{slider?: boolean, still?: boolean}}
 *   [options] choose the layer with a slider in any case; nothing can be played
 */
export const toolsView = (actions, { slider, still } = {}) => {
  const play = playView(actions);
  const layer = el("div.tool.layers");
  const lam = lamView(actions);
  const granularity = granularityView(actions);
  const fresh = createChangeTest();
  /** @type {HTMLElement & {draw(scene: Scene): void}} */
  let picker;
  play.hidden = Boolean(still);
  return view(el("div.tools", play, layer, lam, granularity), (/** @type {Scene} */ scene) => {
    const L = scene.x.weights.length;
    if (fresh(L)) {
      picker = slider || L > MOST ? layerSlider(actions, L) : layerRadios(actions, scene);
      replaceContent(layer, picker);
    }
    for (const part of [play, picker, lam, granularity]) part.draw(scene);
  });
};

/** @param {string} text */
export const toolLabel = (text) => el("span.label", text);

/** @param {Actions} actions */
export const playView = (actions) => {
  const path = svg("path");
  const text = el("span");
  const root = el(
    "button.icon.play",
    { click: actions.play, title: "Walk through the layers" },
    icon(path),
    text,
  );
  return view(root, (/** @type {Scene} */ { state, x, empty }) => {
    const paused = state.play !== null && state.play < x.weights.length;
    setAttributes(path, { d: state.playing ? PAUSE : PLAY });
    replaceContent(text, state.playing ? "Pause" : paused ? "Resume" : "Play");
    setAttributes(root, { disabled: empty });
  });
};

/** @param {Actions} actions @param {Scene} scene */
const layerRadios = (actions, { x }) => {
  const names = ["all", ...x.weights.keys()].map(String);
  const group = choice("Layer", names, (_, i) => actions.layer(i ? i - 1 : null));
  for (const [i, one] of [...group.children].entries())
    setAttributes(one, { label: i ? layerName(x, i - 1) : "All layers" });
  return view(el("div.tool", toolLabel("layer"), group), (/** @type {Scene} */ { state: { layer, play } }) =>
    // While the layers are played the choice follows.
    group.draw(layer !== null ? layer + 1 : play !== null && play < x.weights.length ? floor(play) + 1 : 0),
  );
};

/**
 * @param {string} name @param {number} most @param {number} step
 * @param {(value: number, final: boolean) => void} act
 */
export const createSlider = (name, most, step, act) => {
  let moved = false;
  /** @param {boolean} moves */
  const tell = (moves) => {
    if (moves || moved) act(Number(input.value), !moves);
    moved = moves;
  };
  const release = () => tell(false);
  const input = el("input", {
    type: "range",
    min: 0,
    max: most,
    step,
    label: name,
    input: () => tell(true),
    change: release,
    // A browser may tell of no change where the hand comes back to where it was.
    pointerup: release,
  });
  return Object.assign(input, {
    /** @param {number} value */
    show(value) {
      // Written only when it differs: writing it back would fight the hand that drags it.
      if (Number(input.value) !== value) input.value = `${value}`;
      input.style.setProperty("--p", `${value / most}`);
    },
  });
};

/** @param {Actions} actions @param {number} L */
export const layerSlider = (actions, L) => {
  // One beyond the last block stands for all of them.
  const input = createSlider(
    "Layer",
    L,
    1,
    (value, final) => final || actions.layer(value === L ? null : value),
  );
  const output = el("output.wide");
  return view(
    el("label.tool.slider", toolLabel("layer"), input, output),
    (/** @type {Scene} */ { layer, x }) => {
      input.show(layer ?? L);
      setAttributes(input, { "aria-valuetext": layer === null ? sentences.layers.all : layerName(x, layer) });
      replaceContent(output, layer === null ? "all" : layer ? `${layer}` : sentences.layers.short);
    },
  );
};

/** @param {Actions} actions */
export const lamView = (actions) => {
  const input = createSlider(
    "Lambda: weight of the hidden states against the attention",
    1,
    0.01,
    actions.lam,
  );
  setAttributes(input, { title: "Double click: 0.50", dblclick: () => actions.lam(0.5, true) });
  const output = el("output");
  /** @param {string} text */
  const end = (text) => el("span.end", text);
  const root = el(
    "label.tool.slider.lam",
    toolLabel("λ"),
    end("attention"),
    input,
    end("hidden states"),
    output,
  );
  return view(root, (/** @type {Scene} */ { state: { lam }, x }) => {
    setAttributes(root, { hidden: x.single });
    const own = Number.isNaN(lam);
    input.show(own ? 0.5 : lam);
    replaceContent(output, own ? "own" : lam.toFixed(2));
  });
};

/** @param {Actions} actions */
const granularityView = (actions) => {
  const group = choice(
    "Granularity",
    GRAINS.map((name) => `${name}s`),
    (_, i) => actions.granularity(GRAINS[i]),
  );
  return view(el("div.tool.right", toolLabel("show"), group), (/** @type {Scene} */ { state, x }) => {
    // What is one passage needs no grain of its own.
    setAttributes(group.children[0], {
      hidden: state.granularity !== "passage" && x.passageIds.every((id) => id <= 0),
    });
    group.draw(GRAINS.indexOf(state.granularity));
  });
};
