/** Which views stand on a sheet, and in which order. */
import { flowStory, textStory } from "../lib/story.js";
import { barView } from "./bar.js";
import { captionView } from "./caption.js";
import { comparisonViews } from "./comparison.js";
import { differ, el, mark, set } from "./dom.js";
import { flowView } from "./flow.js";
import { helpView } from "./help.js";
import { command, consume } from "./input.js";
import { ledgerView } from "./ledger.js";
import { legendView } from "./legend.js";
import { minimapView } from "./minimap.js";
import { noticeView } from "./notice.js";
import { proseView } from "./prose.js";
import { questionView } from "./question.js";
import { rolloutView } from "./rollout.js";
import { scoreLineView } from "./score_line.js";
import { tableView } from "./table.js";
import { watchTheme } from "./theme.js";
import { tipView } from "./tip.js";
import { toolsView } from "./tools.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */
/** @typedef {HTMLElement & {draw(scene: Scene, width: number, theme: number): void, survey?(scene: Scene, width: number): void}} View */

/** Up to this many tokens there is room for the score line under the text. */
const BRIEF = 80;

/**
 * The views in the order in which they are drawn and stand; a list of them stands in one box.
 * @param {string} kind
 * @param {import("../actions.js").Actions} actions
 * @param {import("../matrices.js").Matrices} matrices
 * @returns {(View | View[])[]}
 */
const arrange = (kind, actions, matrices) => {
  if (kind === "comparison") return comparisonViews(actions);
  const tokens = kind === "tokens";
  const head = [questionView(actions), toolsView(actions, { slider: tokens }), noticeView(actions)];
  const table = tableView();
  if (kind === "rollout") return [...head, captionView(actions, textStory), rolloutView(actions, matrices), table, legendView("matrix")];
  const map = minimapView(actions);
  const caption = captionView(actions, tokens ? textStory : flowStory);
  const legend = legendView(tokens ? "text" : "flow");
  const figure = tokens ? [] : [map, flowView(actions), caption];
  if (kind === "flow") return [...head, ...figure, table, legend];
  const prose = proseView(actions, { specimen: tokens });
  const sums = [ledgerView(actions), scoreLineView()];
  if (tokens) return [...head, caption, legend, map, prose, sums, table];
  return [...head, ...figure, [prose, ...sums], rolloutView(actions, matrices, true), table, legend];
};

/**
 * @param {string} kind
 * @param {import("../actions.js").Actions} actions
 * @param {import("../matrices.js").Matrices} matrices
 * @param {() => void} redraw asked for when the width or the colours change
 */
export const createSheet = (kind, actions, matrices, redraw) => {
  const root = el("section.calig", {
    "data-view": kind,
    "aria-label": `Relevance ${kind}`,
    // JupyterLab would take single letters as commands for the cell.
    "data-lm-suppress-shortcuts": "true",
  });
  const views = arrange(kind, actions, matrices);
  const tip = tipView(root);
  const help = helpView();
  const bar = barView(actions, help);
  const box = kind === "tokens" ? "div.figures" : "div.reading";
  root.append(bar, help, ...views.map((v) => (Array.isArray(v) ? el(box, ...v) : v)), tip);
  const themed = differ();
  let theme = 0;
  let stale = true;
  const stopTheme = watchTheme(() => (theme++, redraw()));
  let width = 0;
  let inner = 0;
  const size = new ResizeObserver(() => {
    if (root.clientWidth === width) return;
    stale = true;
    redraw();
  });
  size.observe(root);
  set(root, {
    keydown(event) {
      const letter = event.key.toLowerCase();
      if (command(event) && !event.altKey && /^[zy]$/.test(letter)) (letter === "y" || event.shiftKey ? actions.redo : actions.undo)();
      else if (letter === "?") bar.toggle();
      else if (letter !== "escape") return;
      else if (help.hidden) actions.clear();
      else bar.toggle(false);
      consume(event);
    },
  });

  return {
    root,
    /** @param {Scene} scene */
    draw(scene) {
      const { state, empty, x } = scene;
      if (themed(state.theme)) {
        set(root, { "data-theme": state.theme });
        theme++;
        stale = true;
      }
      mark(root, "empty", empty);
      mark(root, "brief", x.tokens.length <= BRIEF);
      mark(root, "waiting", state.busy || scene.pending);
      // Measuring costs a layout: only when the observer has seen a change, or the padding may have changed.
      if (!inner || stale) {
        width = root.clientWidth;
        inner = width - 2 * parseFloat(getComputedStyle(root).paddingLeft || "0");
        stale = false;
      }
      // Not laid out yet: the observer asks again as soon as there is a width.
      if (!width) return;
      const drawn = [bar, ...views.flat()].filter((view) => !empty || !isFigure(view));
      for (const view of drawn) view.survey?.(scene, inner);
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
const isFigure = ({ classList }) => ["flow", "text", "ledger", "score-line", "minimap", "rollout"].some((name) => classList.contains(name));
