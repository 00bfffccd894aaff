/** The comparison of pictures: side by side on one scale, their differences, and these row by row. */
import { NOTHING } from "../evidence/comparison.js";
import { formatNumber, formatSigned } from "../evidence/format.js";
import { memo } from "../evidence/memo.js";
import { createChangeTest, el, replaceContent, view } from "../kit/dom.js";
import { namesView } from "../views/comparison/names.js";
import { differenceView } from "../views/comparison/rows.js";
import { captionView } from "../views/controls/caption.js";
import { inexactView } from "../views/controls/inexact.js";
import { noticeView } from "../views/controls/notice.js";
import { foldedTable } from "../views/text/table.js";
import { createPicturesMaker } from "./evidence/comparison.js";
import { sidesView } from "./sides.js";
import { toolsView } from "./tools.js";
import { patchName, picturesStory } from "./wording/comparison_story.js";

/** @typedef {import("./evidence/comparison.js").Scene} Scene */
/** @typedef {import("./evidence/comparison.js").Pictures} Pictures */
/** @typedef {(scene: Scene) => Pictures} Numbers */

/**
 * @param {import("./actions.js").PatchActions} actions
 * @param {(name: string) => any} get reads one trait @param {() => void} redraw
 */
export const comparedViews = (actions, get, redraw) => {
  const make = createPicturesMaker();
  /** @param {Scene} scene */
  const numbers = (scene) => make(scene, get("_items"));
  return [
    namesView(),
    toolsView(actions, true),
    noticeView(actions),
    inexactView(),
    tellingView(actions, numbers),
    sidesView(actions, numbers, get, redraw),
    rowsView(actions, numbers),
    tableView(numbers),
    legendView(numbers, get),
  ];
};

/** The caption. @param {import("./actions.js").PatchActions} actions @param {Numbers} numbers */
const tellingView = (actions, numbers) => {
  const caption = captionView(actions, (scene) =>
    picturesStory(/** @type {Scene} */ (scene), numbers(/** @type {Scene} */ (scene))),
  );
  const { draw } = caption;
  // Without a difference a patch has the colour of its own evidence.
  return view(caption, (/** @type {Scene} */ scene) =>
    draw(
      numbers(scene).shared
        ? scene
        : { ...scene, evidence: scene.values.map((row) => row.find((v) => v !== null) ?? 0) },
    ),
  );
};

/**
 * The strongest differences, by row and column.
 * @param {import("./actions.js").PatchActions} actions @param {Numbers} numbers
 */
const rowsView = (actions, numbers) => {
  const rows = differenceView(actions);
  const { draw } = rows;
  const named = memo((/** @type {Scene["units"]} */ units, /** @type {string[]} */ labels) => ({
    ...units,
    labels,
  }));
  return view(rows, (/** @type {Scene} */ scene) => {
    const { shared, names } = numbers(scene);
    rows.hidden = !shared;
    if (shared)
      draw({
        ...scene,
        units: named(scene.units, names),
        state: { ...scene.state, granularity: /** @type {any} */ ("row · column") },
      });
  });
};

/** The same numbers as a table, patch by patch. @param {Numbers} numbers */
const tableView = (numbers) => {
  /** @param {Scene} scene @param {(v: number) => string | number} plain */
  const rows = (scene, plain) => {
    const { shared } = numbers(scene);
    const { values, changes } = scene;
    return values.map((row, n) => [
      patchName(scene, n),
      ...row.map((v) => (v === null ? NOTHING : plain(v))),
      ...(shared ? [plain(changes[n])] : []),
    ]);
  };
  /** @param {Scene} scene */
  const columns = (scene) => [
    "patch",
    ...scene.sides.map((s) => s.name),
    ...(numbers(scene).shared ? [scene.sides.length > 2 ? "spread" : "difference"] : []),
  ];
  return foldedTable(
    "Table",
    "the same numbers, for reading and copying",
    (/** @type {Scene} */ scene) => [numbers(scene)],
    (scene) => ({
      caption: "Evidence of each patch for the class that was explained, in shares.",
      columns: columns(scene),
      rows: /** @type {string[][]} */ (rows(scene, (v) => formatSigned(v, 3))),
    }),
    (scene) => [columns(scene), ...rows(scene, (v) => v)],
  );
};

/** What the marks mean, in words. @param {Numbers} numbers @param {(name: string) => any} get */
const legendView = (numbers, get) => {
  const root = el("div.legend");
  const fresh = createChangeTest();
  const key = (/** @type {string} */ text, /** @type {string} */ mark = "") =>
    el("span.key", mark && el(`i.${mark}`), text);
  return view(root, (/** @type {Scene} */ scene) => {
    const { differences, limit } = numbers(scene);
    const { unitEvidence: p, places, x } = scene;
    if (!fresh(p.name, limit, places, x.recipe)) return;
    const some = differences.some(Boolean);
    const bare = differences.some((row, i) => row && !get("_items")[i]._again);
    replaceContent(
      root,
      key(`supports ${p.name}${some ? "; in a difference: more than the first" : ""}`, "sup"),
      key(`opposes ${p.name}, hatched${some ? "; in a difference: less" : ""}`, "opp"),
      key("no colour: no evidence; a picture pales under its map"),
      key(`one scale for all: the deepest colour is ${formatNumber(limit, places)}`),
      bare && key("a difference of two pictures lies on neither"),
      x.recipe && key(x.recipe),
    );
  });
};
