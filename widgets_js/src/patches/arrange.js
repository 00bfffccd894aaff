/** Which views stand on the sheet of a picture, and in which order. */
import { memo } from "../lib/scene.js";
import { captionView } from "../views/caption.js";
import { noticeView } from "../views/notice.js";
import { questionView } from "../views/question.js";
import { patchActions } from "./actions.js";
import { boardView } from "./board.js";
import { legendView } from "./legend.js";
import { gridOf, linksOf, mapMaker } from "./map.js";
import { photoOf } from "./photo.js";
import { chosenOf, patchStory } from "./story.js";
import { tableView } from "./table.js";
import { toolsView } from "./tools.js";

/** @typedef {import("./traits.js").Scene} Scene */

/** Above so many matrix entries links wait until a patch is selected. */
const HEAVY = 6e6;

/** @type {import("../views/sheet.js").Arrange} */
export const arrange = (kind, shared, matrices, redraw, get) => {
  /** @type {Scene} */
  let scene;
  const actions = patchActions(shared, () => scene);
  const photo = photoOf(get, redraw);
  const maps = mapMaker();
  const grid = memo((/** @type {Scene["units"]} */ units) => gridOf(get("_meta"), units));
  const links = memo(
    /** @param {Scene["picture"]} _ @param {number | null} layer @param {string} channel @param {string} chosen @param {boolean} waits */
    (_, layer, channel, chosen, waits) => (waits ? null : linksOf(scene, chosenOf(scene))),
  );
  const linked = () => {
    const { picture, layer, state, signals } = scene;
    const heavy = signals.layers * signals.tokens ** 2 > HEAVY;
    return links(picture, layer, state.channel, String(chosenOf(scene)), heavy && (state.dragging || state.preview !== null));
  };
  const numbers = (/** @type {Scene} */ now) => ({
    grid: grid(now.units),
    maps: maps(now),
    links: linked(),
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
    captionView(actions, () => patchStory(scene, linked())),
    boardView(actions, numbers),
    tableView(),
    legendView(),
  ];
};
