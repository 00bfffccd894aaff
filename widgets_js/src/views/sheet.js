/** The sheet: a toolbar, its views one below another, and what stands beside the pointer. */

import { sizes } from "../evidence/design.js";
import { createChangeTest, el, setAttributes, toggleClass } from "../kit/dom.js";
import { consumeEvent, isCommand, keepKeys } from "../kit/input.js";
import { watchTheme } from "../kit/theme.js";
import { barView } from "./controls/bar.js";
import { helpView } from "./controls/help.js";
import { tipView } from "./controls/tip.js";

/** @typedef {import("../evidence/scene.js").Scene} Scene */
/**
 * @typedef {HTMLElement & {draw(scene: Scene, width: number, theme: number): void,
 *   measure?: View["draw"]}} View
 */

/**
 * The views in the order in which they are drawn and stand; a list of them stands in one box, which
 * the first paint leaves to the frame after it.
 * @callback Arrange
 * @param {string} kind
 * @param {import("../state/actions.js").Actions} actions
 * @param {import("../state/matrix_source.js").MatrixSource} matrixSource
 * @param {() => void} redraw
 * @param {(name: string) => any} get reads one trait
 * @returns {(View | View[])[]}
 */

/** Up to this many tokens there is room for the score line under the text. */
const { BRIEF } = sizes.page;

/**
 * @param {(name: string) => any} get reads one trait
 * @param {Arrange} arrange
 * @param {string[]} keys
 * @param {import("../state/actions.js").Actions} actions
 * @param {import("../state/matrix_source.js").MatrixSource} matrixSource
 * @param {() => void} redraw asked for when the width or the colours change
 */
export const createSheet = (get, arrange, keys, actions, matrixSource, redraw) => {
  const kind = get("_view");
  const root = el("section.calig", {
    "data-view": kind,
    label: `Relevance ${kind}`,
  });
  const views = arrange(kind, actions, matrixSource, redraw, get);
  const tip = tipView(root);
  const help = helpView(keys);
  const bar = barView(actions, help);
  const box = kind === "tokens" ? "div.figures" : "div.reading";
  root.append(bar, help, ...views.map((v) => (Array.isArray(v) ? el(box, ...v) : v)), tip);
  const themed = createChangeTest();
  let theme = 0;
  let stale = true;
  const stopTheme = watchTheme(() => {
    theme++;
    redraw();
  });
  let width = 0;
  let inner = 0;
  const size = new ResizeObserver(() => {
    if (root.clientWidth === width) return;
    stale = true;
    redraw();
  });
  size.observe(root);
  setAttributes(root, {
    focusin: keepKeys,
    focusout: keepKeys,
    keydown(event) {
      const letter = event.key.toLowerCase();
      if (isCommand(event) && !event.altKey && /^[zy]$/.test(letter))
        (letter === "y" || event.shiftKey ? actions.redo : actions.undo)();
      else if (letter === "?") bar.toggle();
      else if (letter !== "escape") return;
      else if (help.hidden) actions.clear();
      else bar.toggle(false);
      consumeEvent(event);
    },
  });

  return {
    root,
    /** @param {Scene} scene */
    draw(scene) {
      const { state, empty, x } = scene;
      if (themed(state.theme)) {
        setAttributes(root, { "data-theme": state.theme });
        theme++;
        stale = true;
      }
      toggleClass(root, "empty", empty);
      toggleClass(root, "brief", x.tokens.length <= BRIEF);
      toggleClass(root, "waiting", state.busy || scene.pending);
      // Measuring costs a layout: only when the observer has seen a change, or the padding may have changed.
      if (!inner || stale) {
        width = root.clientWidth;
        inner = width - 2 * parseFloat(getComputedStyle(root).paddingLeft || "0");
        stale = false;
      }
      // Not laid out yet: the observer asks again as soon as there is a width.
      if (!width) return;
      const ready = state.fresh ? views.filter((v) => !Array.isArray(v)) : views;
      const drawn = [bar, ...ready.flat()].filter((view) => !empty || !isFigure(view));
      for (const view of drawn) view.measure?.(scene, inner, theme);
      for (const view of drawn) view.draw(scene, inner, theme);
      tip.draw(scene);
    },
    stop() {
      size.disconnect();
      stopTheme();
    },
  };
};

/** Views that have nothing to show when there is no ordinary token. @param {HTMLElement} view */
const isFigure = ({ classList }) =>
  ["flow", "text", "ledger", "score-line", "minimap", "rollout"].some((name) => classList.contains(name));
