/** Play, layer, λ, opacity, channel. */
import { formatPercent } from "../evidence/format.js";
import { CHANNELS } from "../evidence/settings.js";
import { choice } from "../kit/choice.js";
import { createChangeTest, el, replaceContent, setAttributes, view } from "../kit/dom.js";
import { createSlider, lamView, layerSlider, playView, toolLabel } from "../views/controls/tools.js";

/** @typedef {import("./evidence/settings.js").Scene} Scene */
/** @typedef {import("./actions.js").PatchActions} PatchActions */

/** @param {PatchActions} actions @param {boolean} [still] nothing can be played, and there is one channel */
export const toolsView = (actions, still) => {
  const layer = el("div.tool");
  const parts = [lamView(actions), opacityView(actions)];
  const ends = still ? [] : [playView(actions), channelView(actions)];
  const fresh = createChangeTest();
  /** @type {ReturnType<typeof layerSlider>} */
  let slider;
  return view(el("div.tools", ends[0], layer, ...parts, ends[1]), (/** @type {Scene} */ scene) => {
    const L = scene.x.weights.length;
    if (fresh(L)) {
      slider = layerSlider(actions, L);
      replaceContent(layer, slider);
    }
    for (const part of [slider, ...parts, ...ends]) part.draw(scene);
  });
};

/** @param {PatchActions} actions */
const opacityView = (actions) => {
  const input = createSlider("Opacity of the map", 1, 0.05, actions.opacity);
  const output = el("output.wide");
  return view(el("label.tool.slider", toolLabel("map"), input, output), (/** @type {Scene} */ { state }) => {
    const opacity = state.faint ?? state.opacity;
    input.show(opacity);
    const text = formatPercent(opacity).replace(".0", "").replace("100.00", "100").replace("0.00", "0");
    setAttributes(input, { "aria-valuetext": text });
    replaceContent(output, text);
  });
};

/** @param {PatchActions} actions */
const channelView = (actions) => {
  const group = choice("Evidence", CHANNELS, actions.channel);
  return view(el("div.tool.right", group), (/** @type {Scene} */ { state }) =>
    group.draw(CHANNELS.indexOf(state.channel)),
  );
};
