/** Which views stand on a sheet, and in which order. */
import { flowStory, textStory } from "../lib/story.js";
import { barView } from "./bar.js";
import { captionView } from "./caption.js";
import { comparisonViews } from "./comparison.js";
import { el } from "./dom.js";
import { flowView } from "./flow.js";
import { helpView } from "./help.js";
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
/** @typedef {HTMLElement & {draw(scene: Scene, width: number, theme: number): void}} View */
/** @typedef {"workbench" | "tokens" | "flow" | "rollout" | "comparison"} Kind */

/** Up to this many tokens there is room for the score line under the text. */
const BRIEF = 80;

const NAMES = {
  workbench: "Relevance workbench",
  tokens: "Relevance of the text",
  flow: "Relevance flow",
  rollout: "Relevance rollout",
  comparison: "Comparison",
};

/**
 * @param {Kind} kind
 * @param {import("../actions.js").Actions} actions
 * @param {import("../matrices.js").Matrices} matrices
 * @returns {{views: View[], nodes: HTMLElement[]}} the views to draw, and the nodes that hold them
 */
function arrange(kind, actions, matrices) {
  if (kind === "comparison") return comparisonViews(actions);
  const map = minimapView(actions);
  const head = [questionView(actions), toolsView(actions, { slider: kind === "tokens" }), noticeView(actions)];
  if (kind === "tokens") {
    const caption = captionView(actions, textStory);
    const legend = legendView({ flow: false });
    const prose = proseView(actions, { specimen: true });
    const ledger = ledgerView(actions);
    const score = scoreLineView();
    const table = tableView();
    const figures = el("div", { class: "figures" }, ledger, score);
    return {
      views: [...head, caption, legend, map, prose, ledger, score, table],
      nodes: [...head, caption, legend, map, prose, figures, table],
    };
  }
  if (kind === "rollout") {
    const rollout = rolloutView(actions, matrices, { folded: false });
    const legend = legendView({ flow: false, matrix: true });
    const nodes = [...head, captionView(actions, textStory), rollout, tableView(), legend];
    return { views: nodes, nodes };
  }
  const flow = flowView(actions);
  const caption = captionView(actions, flowStory);
  const legend = legendView({ flow: true });
  if (kind === "flow") {
    const nodes = [...head, map, flow, caption, tableView(), legend];
    return { views: nodes, nodes };
  }
  const prose = proseView(actions);
  const ledger = ledgerView(actions);
  const score = scoreLineView();
  const table = tableView();
  const reading = el("div", { class: "reading" }, prose, ledger, score);
  const rollout = rolloutView(actions, matrices, { folded: true });
  return {
    views: [...head, map, flow, caption, prose, ledger, score, rollout, table, legend],
    nodes: [...head, map, flow, caption, reading, rollout, table, legend],
  };
}

/**
 * @param {Kind} kind
 * @param {import("../actions.js").Actions} actions
 * @param {import("../matrices.js").Matrices} matrices
 * @param {() => void} redraw asked for when the width or the colours change
 */
export function createSheet(kind, actions, matrices, redraw) {
  const root = el("section", {
    class: "calig",
    "data-view": kind,
    "aria-label": NAMES[kind],
    // JupyterLab would take single letters as commands for the cell.
    "data-lm-suppress-shortcuts": "true",
  });
  const { views, nodes } = arrange(kind, actions, matrices);
  const tip = tipView(root);
  const help = helpView();
  const bar = barView(actions, help);
  root.append(bar, help, ...nodes, tip);
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
  root.addEventListener("keydown", (event) => {
    const command = (event.ctrlKey || event.metaKey) && !event.altKey;
    const letter = event.key.toLowerCase();
    if (command && (letter === "z" || letter === "y")) (letter === "y" || event.shiftKey ? actions.redo : actions.undo)();
    else if (event.key === "?") bar.toggle();
    else if (event.key !== "Escape") return;
    else if (help.hidden) actions.clear();
    else bar.toggle(false);
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    root,
    /** @param {Scene} scene */
    draw(scene) {
      const { state } = scene;
      const themed = root.dataset.theme !== state.theme;
      if (themed) {
        root.dataset.theme = state.theme;
        theme++;
      }
      root.classList.toggle("empty", scene.empty);
      root.classList.toggle("brief", scene.x.tokens.length <= BRIEF);
      root.classList.toggle("waiting", state.busy || scene.pending);
      // Measuring costs a layout: only when the observer has seen a change, or the padding may have changed.
      if (!inner || themed || stale) {
        width = root.clientWidth;
        inner = width - 2 * parseFloat(getComputedStyle(root).paddingLeft || "0");
        stale = false;
      }
      // Not laid out yet: the observer asks again as soon as there is a width.
      if (!width) return;
      for (const view of [bar, ...views]) if (!scene.empty || !isFigure(view)) view.draw(scene, inner, theme);
      if (kind !== "comparison") tip.draw(scene);
    },
    stop() {
      size.disconnect();
      stopTheme();
    },
  };
}

/** Views that have nothing to show when there is no ordinary token. @param {HTMLElement} view */
const isFigure = (view) =>
  ["flow", "text", "text specimen", "ledger", "score-line", "minimap", "rollout", "more rollout"].includes(view.className);
