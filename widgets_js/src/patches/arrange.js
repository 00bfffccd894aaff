/** Which views stand on the sheet of a picture, or of several, and in which order. */
import { memo } from "../evidence/memo.js";
import { captionView } from "../views/controls/caption.js";
import { inexactView } from "../views/controls/inexact.js";
import { noticeView } from "../views/controls/notice.js";
import { questionView } from "../views/controls/question.js";
import { createPatchActions } from "./actions.js";
import { boardView } from "./board.js";
import { comparedViews } from "./comparison.js";
import { computeLinks, createMapMaker, readGrid } from "./evidence/map.js";
import { legendView } from "./legend.js";
import { createPhoto } from "./photo.js";
import { tableView } from "./table.js";
import { toolsView } from "./tools.js";
import { patchStory } from "./wording/story.js";

/** @typedef {import("./evidence/settings.js").Scene} Scene */

/** @type {import("../views/sheet.js").Arrange} */
export const arrange = (kind, shared, _matrixSource, redraw, get) => {
  const actions = createPatchActions(shared);
  if (kind === "comparison") return comparedViews(actions, get, redraw);
  /** @type {Scene} */
  let scene;
  const photo = createPhoto(get, redraw);
  const maps = createMapMaker();
  const grid = memo((/** @type {Scene["units"]} */ units) => readGrid(get("_meta"), units));
  const linker = () =>
    memo(
      /**
       * @param {Scene["unitEvidence"]} _picture @param {number | null} _layer @param {string} _channel
       * @param {string} units
       */
      (_picture, _layer, _channel, units) => computeLinks(scene, units ? units.split(",").map(Number) : []),
    );
  /** Of what is told, and of what is shown, each with a memory of its own. */
  const [told, shown] = [linker(), linker()].map(
    (links) => (/** @type {number[]} */ units) =>
      links(scene.unitEvidence, scene.layer, scene.state.channel, String(units)),
  );
  /** @param {Scene} now */
  const numbers = (now) => ({
    grid: grid(now.units),
    maps: maps(now),
    links: shown(now.selected),
    photo: photo(),
  });
  const question = questionView(actions);
  const { draw } = question;
  // The first to be drawn tells the others what is on the sheet.
  const first = Object.assign(question, {
    /** @param {Scene} now */
    draw(now) {
      scene = now;
      draw(now);
    },
  });
  return [
    first,
    toolsView(actions),
    noticeView(actions),
    inexactView(),
    captionView(actions, () => patchStory(scene, told)),
    boardView(actions, numbers),
    tableView(),
    legendView(),
  ];
};
