/** Which views stand on the sheet of a text, and in which order. */
import { flowStory, textStory } from "../lib/story.js";
import { captionView } from "./caption.js";
import { comparisonViews } from "./comparison.js";
import { flowView } from "./flow.js";
import { ledgerView } from "./ledger.js";
import { legendView } from "./legend.js";
import { minimapView } from "./minimap.js";
import { noticeView } from "./notice.js";
import { proseView } from "./prose.js";
import { questionView } from "./question.js";
import { rolloutView } from "./rollout.js";
import { scoreLineView } from "./score_line.js";
import { tableView } from "./table.js";
import { toolsView } from "./tools.js";

/** @type {import("./sheet.js").Arrange} */
export const arrange = (kind, actions, matrices) => {
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
