/** Which views stand on the sheet of a text, and in which order. */
import { flowStory, textStory } from "../wording/story.js";
import { comparisonViews } from "./comparison/comparison.js";
import { captionView } from "./controls/caption.js";
import { inexactView } from "./controls/inexact.js";
import { legendView } from "./controls/legend.js";
import { noticeView } from "./controls/notice.js";
import { questionView } from "./controls/question.js";
import { toolsView } from "./controls/tools.js";
import { flowView } from "./flow/flow.js";
import { rolloutView } from "./matrix/rollout.js";
import { ledgerView } from "./text/ledger.js";
import { minimapView } from "./text/minimap.js";
import { proseView } from "./text/prose.js";
import { scoreLineView } from "./text/score_line.js";
import { tableView } from "./text/table.js";

/** @type {import("./sheet.js").Arrange} */
export const arrange = (kind, actions, matrixSource) => {
  if (kind === "comparison") return comparisonViews(actions);
  const tokens = kind === "tokens";
  const head = [
    questionView(actions),
    toolsView(actions, { slider: tokens }),
    noticeView(actions),
    inexactView(),
  ];
  const table = tableView();
  if (kind === "rollout")
    return [
      ...head,
      captionView(actions, textStory),
      rolloutView(actions, matrixSource),
      table,
      legendView("matrix"),
    ];
  const map = minimapView(actions);
  const caption = captionView(actions, tokens ? textStory : flowStory);
  const legend = legendView(tokens ? "text" : "flow");
  const figure = tokens ? [] : [map, flowView(actions), caption];
  if (kind === "flow") return [...head, ...figure, table, legend];
  const prose = proseView(actions, { specimen: tokens });
  const sums = [ledgerView(actions), scoreLineView()];
  if (tokens) return [...head, caption, legend, map, prose, sums, table];
  return [...head, ...figure, [prose, ...sums], rolloutView(actions, matrixSource, true), table, legend];
};
