/** The picture with its map, the film of the layers, links, and the ledger: one view, drawn together. */
import { sentences, sizes } from "../evidence/design.js";
import { formatSigned, layerName } from "../evidence/format.js";
import { floor, min, round } from "../evidence/maths.js";
import { memo } from "../evidence/memo.js";
import { MIDDLE } from "../geometry/flow_layout.js";
import {
  colourProbe,
  contextOf,
  createChangeTest,
  el,
  replaceContent,
  setAttributes,
  view,
} from "../kit/dom.js";
import { listenToUnits, markUnits } from "../kit/input.js";
import { createInks } from "../kit/palette.js";
import { layersOfLost } from "../wording/story.js";
import { cursorView } from "./cursor.js";
import { filmView } from "./film.js";
import { ledgerView } from "./ledger.js";
import { linksView } from "./links.js";
import { fadePhoto } from "./photo.js";
import { plateView } from "./plate.js";
import { scaleView } from "./scale.js";

/** @typedef {import("./evidence/settings.js").Scene} Scene */
/** @typedef {import("./evidence/map.js").Grid} Grid */
/** @typedef {import("./evidence/map.js").Maps} Maps */
/** @typedef {import("./evidence/map.js").Links} Links */
/** @typedef {import("./photo.js").Photo} Photo */
/** @typedef {{grid: Grid, maps: Maps, links: Links | null, photo: Photo | null}} Numbers */

/** Longest side of the picture, px, and room beside it. */
const { LARGEST, BESIDE } = sizes.patches;

/**
 * @param {import("./actions.js").PatchActions} actions
 * @param {(scene: Scene) => Numbers} numbers
 */
export const boardView = (actions, numbers) => {
  const colour = colourProbe();
  const plate = plateView(actions, true);
  const cursor = cursorView(actions);
  plate.append(cursor);
  const others = listenToUnits(el("p.others"), actions);
  const scale = scaleView();
  const film = filmView(actions);
  const links = linksView(actions);
  const ledger = ledgerView(actions);
  const root = el(
    "div.patches",
    el("div.main", plate, scale, others, colour),
    el("div.beside", film, links, ledger),
  );
  const inked = createChangeTest();
  const listed = createChangeTest();
  /** @type {import("../kit/palette.js").Inks | undefined} */
  let ink;
  const pen = contextOf(el("canvas"));
  const underOf = memo(
    (
      /** @type {Photo | null} */ photo,
      /** @type {number} */ opacity,
      /** @type {import("../kit/palette.js").Inks} */ { colours },
    ) => photo && fadePhoto(photo, opacity, colours.surface),
  );
  const lookOf = memo(
    (
      /** @type {Grid} */ grid,
      /** @type {OffscreenCanvas | null} */ under,
      /** @type {number} */ opacity,
      /** @type {import("../kit/palette.js").Inks} */ ink,
    ) => ({ grid, under, opacity, ink }),
  );

  return view(root, (/** @type {Scene} */ now, /** @type {number} */ width, /** @type {number} */ theme) => {
    const { grid, maps, links: found, photo } = numbers(now);
    if (pen && (inked(theme) || !ink)) ink = createInks(colour, pen);
    const { state, layer, x } = now;
    const apart = width >= MIDDLE + 100;
    const side = min(LARGEST, apart ? floor(width * 0.5) : width);
    const wide = round(min(side, side * grid.ratio));
    const room = apart ? width - wide - BESIDE : width;
    setAttributes(root, { style: `--plate:${wide}px` });
    const frame = layer === null ? 0 : layer + 1;
    const [values, limit] = [maps.frames[frame], maps.limits[frame]];
    if (ink) {
      const opacity = state.faint ?? state.opacity;
      const look = lookOf(grid, underOf(photo, opacity, ink), opacity, ink);
      const lost = x.lost ? grid.patches.filter((u) => layersOfLost(now, u)) : [];
      plate.draw({ scene: now, look, width: wide, values, limit, chosen: now.selected, lost });
      film.draw(now, look, maps, photo);
      links.draw(now, look, found, room);
      scale.draw(now, limit, ink);
    }
    ledger.draw(now, grid, photo, room);
    if (listed(values, grid)) {
      const said = grid.others.map((u) => [
        " ",
        el("button.icon.other", { "data-unit": u }, now.units.labels[u], " ", formatSigned(values[u], 2)),
      ]);
      replaceContent(others, said.length > 0 && "Not on the picture:", ...said.flat());
    }
    markUnits(others.querySelectorAll("[data-unit]"), now);
    cursor.draw(now, grid, (/** @type {number} */ u) => {
      const where = layer === null ? sentences.layers.all : layerName(x, layer);
      return (
        `${now.units.names[u]}${now.selected.includes(u) ? ", selected" : ""}: ` +
        `${formatSigned(values[u], 3)}, ${where}`
      );
    });
  });
};
