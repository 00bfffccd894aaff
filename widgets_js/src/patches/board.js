/** The picture with its map, the film of the layers, links, and the ledger: one view, drawn together. */
import { layerName, number, signed } from "../lib/format.js";
import { MIDDLE } from "../lib/layout.js";
import { floor, min, round } from "../lib/maths.js";
import { memo } from "../lib/scene.js";
import { lostIn } from "../lib/story.js";
import { differ, el, probe, put, set, view } from "../views/dom.js";
import { command, keyed, markUnits, points } from "../views/input.js";
import { inks } from "../views/palette.js";
import { filmView } from "./film.js";
import { ledgerView } from "./ledger.js";
import { linksView } from "./links.js";
import { under } from "./photo.js";
import { plateView } from "./plate.js";
import { scaleView } from "./scale.js";

/** @typedef {import("./traits.js").Scene} Scene */
/** @typedef {import("./map.js").Grid} Grid */
/** @typedef {import("./map.js").Maps} Maps */
/** @typedef {import("./map.js").Links} Links */
/** @typedef {import("./photo.js").Photo} Photo */
/** @typedef {{grid: Grid, maps: Maps, links: Links | null, photo: Photo | null}} Numbers */

/** Longest side of the picture, px, and room beside it. */
const LARGEST = 440;
const BESIDE = 40;
const HELP = "Arrows move over the patches, Enter selects, Space plays; a question mark lists the keys.";

/**
 * @param {import("./actions.js").PatchActions} actions
 * @param {(scene: Scene) => Numbers} numbers
 */
export const boardView = (actions, numbers) => {
  const colour = probe();
  const plate = plateView(actions, true);
  const cursor = el("div.w.cursor", { tabindex: 0, role: "group", "aria-roledescription": "patch" });
  plate.append(cursor);
  const others = points(el("p.others"), actions);
  const scale = scaleView();
  const film = filmView(actions);
  const links = linksView(actions);
  const ledger = ledgerView(actions);
  const root = el("div.patches", el("div.main", plate, scale, others, colour), el("div.beside", film, links, ledger));
  const inked = differ();
  const listed = differ();
  /** @type {import("../views/palette.js").Inks | undefined} */
  let ink;
  /** @type {Grid} */
  let grid;
  const pen = el("canvas").getContext("2d");
  const underOf = memo((/** @type {Photo | null} */ photo, /** @type {number} */ opacity, /** @type {import("../views/palette.js").Inks} */ { colours }) => photo && under(photo, opacity, colours.surface));
  const lookOf = memo((/** @type {Grid} */ grid, /** @type {OffscreenCanvas | null} */ under, /** @type {number} */ opacity, /** @type {import("../views/palette.js").Inks} */ ink) => ({ grid, under, opacity, ink }));
  listen(cursor, actions, () => grid);

  return view(root, (/** @type {Scene} */ now, /** @type {number} */ width, /** @type {number} */ theme) => {
    const { maps, links: found, photo, ...rest } = numbers(now);
    ({ grid } = rest);
    if (pen && (inked(theme) || !ink)) ink = inks(colour, pen);
    const { state, layer, x } = now;
    const apart = width >= MIDDLE + 100;
    const side = min(LARGEST, apart ? floor(width * 0.5) : width);
    const wide = round(min(side, side * grid.ratio));
    const room = apart ? width - wide - BESIDE : width;
    set(root, { style: `--plate:${wide}px` });
    const frame = layer === null ? 0 : layer + 1;
    const [values, limit] = [maps.frames[frame], maps.limits[frame]];
    if (ink) {
      const opacity = state.faint ?? state.opacity;
      const look = lookOf(grid, underOf(photo, opacity, ink), opacity, ink);
      const lost = x.lost ? grid.patches.filter((u) => lostIn(now, u)) : [];
      plate.draw({ scene: now, look, width: wide, values, limit, chosen: now.selected, lost });
      film.draw(now, look, maps, photo);
      links.draw(now, look, found, room);
      scale.draw(now, limit, ink);
    }
    ledger.draw(now, grid, photo, room);
    if (listed(values, grid)) {
      const said = grid.others.map((u) => [" ", el("button.icon.other", { "data-unit": u }, now.units.labels[u], " ", signed(values[u], 2))]);
      put(others, said.length > 0 && "Not on the picture:", ...said.flat());
    }
    markUnits(others.querySelectorAll("[data-unit]"), now);
    aim(cursor, now, grid, values);
  });
};

/** The one place of the keyboard stands on the patch that it has come to. @param {HTMLElement} cursor @param {Scene} scene @param {Grid} grid @param {number[]} values */
const aim = (cursor, scene, grid, values) => {
  const { units, selected, layer, x, state } = scene;
  const chosen = [state.hover, selected.at(-1), scene.picture.order[0], grid.patches[0]];
  const unit = /** @type {number} */ (chosen.find((u) => u !== null && u !== undefined && grid.patches.includes(u)));
  const patch = grid.patches.indexOf(unit);
  const percent = (/** @type {number} */ share) => `${share * 100}%`;
  Object.assign(cursor.style, {
    left: percent((patch % grid.columns) / grid.columns),
    top: percent(floor(patch / grid.columns) / grid.rows),
    width: percent(1 / grid.columns),
    height: percent(1 / grid.rows),
  });
  if (state.dragging) return;
  const where = layer === null ? "all layers" : layerName(x, layer);
  set(cursor, { "aria-label": `${units.names[unit]}${selected.includes(unit) ? ", selected" : ""}: ${signed(values[unit], 3)}, ${where}. ${HELP}` });
};

/** @param {HTMLElement} cursor @param {import("./actions.js").PatchActions} actions @param {() => Grid} grid */
const listen = (cursor, actions, grid) => {
  set(cursor, {
    focus: () => cursor.matches(":focus-visible") && actions.step(grid(), 0, 0),
    blur: () => actions.hover(null),
  });
  keyed(cursor, (event) => {
    const step = (/** @type {number} */ down, /** @type {number} */ along) => () => actions.step(grid(), down, along);
    /** @type {Record<string, () => unknown>} */
    const keys = {
      ArrowRight: step(0, 1),
      ArrowLeft: step(0, -1),
      ArrowUp: step(-1, 0),
      ArrowDown: step(1, 0),
      Home: step(0, -Infinity),
      End: step(0, Infinity),
      PageUp: () => actions.climb(1),
      PageDown: () => actions.climb(-1),
      Enter: () => actions.enter(event.shiftKey),
      " ": actions.play,
    };
    return command(event) ? {} : keys;
  });
};
