/** Play, layer, λ, opacity, channel. */
import { percent } from "../lib/format.js";
import { CHANNELS } from "../lib/store.js";
import { choice } from "../views/choice.js";
import { differ, el, put, set, view } from "../views/dom.js";
import { label, lamView, layerSlider, playView, slide } from "../views/tools.js";

/** @typedef {import("./traits.js").Scene} Scene */
/** @typedef {import("./actions.js").PatchActions} PatchActions */

/** @param {PatchActions} actions */
export const toolsView = (actions) => {
  const play = playView(actions);
  const layer = el("div.tool");
  const parts = [play, lamView(actions), opacityView(actions), channelView(actions)];
  const fresh = differ();
  /** @type {ReturnType<typeof layerSlider>} */
  let slider;
  return view(el("div.tools", play, layer, ...parts.slice(1)), (/** @type {Scene} */ scene) => {
    const L = scene.x.weights.length;
    if (fresh(L)) put(layer, (slider = layerSlider(actions, L)));
    for (const part of [slider, ...parts]) part.draw(scene);
  });
};

/** @param {PatchActions} actions */
const opacityView = (actions) => {
  const input = slide("Opacity of the map", 1, 0.05, actions.opacity);
  const output = el("output.wide");
  return view(el("label.tool.slider", label("map"), input, output), (/** @type {Scene} */ { state }) => {
    const opacity = state.faint ?? state.opacity;
    input.show(opacity);
    const text = percent(opacity).replace(".0", "").replace("100.00", "100").replace("0.00", "0");
    set(input, { "aria-valuetext": text });
    put(output, text);
  });
};

/** @param {PatchActions} actions */
const channelView = (actions) => {
  const group = choice("Evidence", CHANNELS, actions.channel);
  return view(el("div.tool.right", group), (/** @type {Scene} */ { state }) => group.draw(CHANNELS.indexOf(state.channel)));
};
