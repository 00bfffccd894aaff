/** The comparison: the texts side by side on one scale, and below them their difference, row by row. */

import { fill, sentences, sizes } from "../../evidence/design.js";
import { formatSigned } from "../../evidence/format.js";
import { clamp, floor, min, sum } from "../../evidence/maths.js";
import { createChangeTest, el, replaceContent, setAttributes, view } from "../../kit/dom.js";
import { comparisonStory } from "../../wording/comparison_story.js";
import { captionView } from "../controls/caption.js";
import { inexactView } from "../controls/inexact.js";
import { legendView } from "../controls/legend.js";
import { noticeView } from "../controls/notice.js";
import { toolsView } from "../controls/tools.js";
import { proseView } from "../text/prose.js";
import { namesView } from "./names.js";
import { differenceView } from "./rows.js";

/** @typedef {import("../../evidence/comparison.js").Compared} Compared */
/** @typedef {import("../../evidence/comparison.js").Side} Side */
/** @typedef {import("../../state/actions.js").Actions} Actions */

const TOLD = sentences.comparison;
/** No side is narrower, px. */
const { NARROWEST } = sizes.comparison;

/** @param {Actions} actions */
export const comparisonViews = (actions) => {
  const root = el("div.sides");
  const fresh = createChangeTest();
  /** @type {ReturnType<typeof sideView>[]} */
  let views = [];
  const sides = view(root, (/** @type {Compared} */ { sides: now }, /** @type {number} */ width) => {
    if (fresh(now.length)) {
      views = now.map((_, i) => sideView(actions, i));
      replaceContent(root, ...views);
    }
    root.style.setProperty("--sides", `${clamp(floor(width / NARROWEST), 1, min(now.length, 3))}`);
    for (const [i, side] of now.entries()) views[i].draw(side, width);
  });
  return [
    namesView(),
    toolsView(actions, { still: true }),
    noticeView(actions),
    inexactView(),
    captionView(actions, comparisonStory),
    legendView("text"),
    sides,
    differenceView(actions),
  ];
};

/** @param {Actions} actions @param {number} i */
const sideView = (actions, i) => {
  /** @type {Side} */
  let side;
  /** @param {number | null} unit */
  const rowOf = (unit) => (unit === null ? null : (side.rowOf[unit] ?? null));
  const prose = proseView(
    {
      ...actions,
      pick: (unit, more) => actions.pick(/** @type {number} */ (rowOf(unit)), more),
      hover: (unit) => actions.hover(rowOf(unit)),
    },
    { small: true },
  );
  const name = el("b", { dir: "auto" });
  const said = el("span");
  const net = el("p.sum");
  const root = el("div.side", { role: "group" }, el("div.head", name, said), prose, net);
  return view(root, (/** @type {Side} */ now, /** @type {number} */ width) => {
    side = now;
    const { x, unitEvidence: p, evidence } = now.scene;
    replaceContent(name, now.name);
    setAttributes(root, { label: `${i + 1}: ${now.name}` });
    replaceContent(
      said,
      fill(TOLD.side, {
        name: p.name,
        probability: x.said[x.target],
        score: formatSigned(x.score),
      }),
    );
    replaceContent(net, fill(TOLD.net, { net: formatSigned(sum(evidence)), name: p.name }));
    prose.draw(now.scene, width);
  });
};
