/**
 * Pictures side by side under their maps, and the maps of their differences: what is pointed at in one is
 * marked in all.
 */
import { sizes } from "../evidence/design.js";
import { formatSigned } from "../evidence/format.js";
import { floor, min, round } from "../evidence/maths.js";
import { memo } from "../evidence/memo.js";
import {
  colourProbe,
  contextOf,
  createChangeTest,
  el,
  replaceContent,
  setAttributes,
  toggleClass,
  view,
} from "../kit/dom.js";
import { createInks } from "../kit/palette.js";
import { cursorView } from "./cursor.js";
import { APART, countColumns, sumSelected } from "./evidence/comparison.js";
import { createPhoto, fadePhoto } from "./photo.js";
import { plateView } from "./plate.js";
import { scaleView } from "./scale.js";
import { patchName } from "./wording/comparison_story.js";

/** @typedef {import("./evidence/comparison.js").Scene} Scene */
/** @typedef {import("./evidence/comparison.js").Pictures} Pictures */
/** @typedef {import("./paint.js").Look} Look */
/** @typedef {import("../kit/palette.js").Inks} Inks */

/** Longest side of a picture, px. */
const { LARGEST } = sizes.patches;

/**
 * @param {import("./actions.js").PatchActions} actions @param {(scene: Scene) => Pictures} numbers
 * @param {(name: string) => any} get reads one trait @param {() => void} redraw
 */
export const sidesView = (actions, numbers, get, redraw) => {
  const items = get("_items");
  const colour = colourProbe();
  const pen = contextOf(el("canvas"));
  const scale = scaleView();
  const why = el("p.how");
  const all = el("div.plates");
  const root = el("div.pictures", all, scale, why, colour);
  const inked = createChangeTest();
  /** @type {Inks | undefined} */
  let ink;
  const photos = items.map((/** @type {any} */ _, /** @type {number} */ i) =>
    createPhoto((name) => get("_items")[i][name], redraw),
  );
  /** @param {number} i */
  const photo = (i) => photos[items[i]._again ? 0 : i]();
  const layered = () => ({
    under: memo(
      (
        /** @type {ReturnType<typeof photo>} */ own,
        /** @type {number} */ opacity,
        /** @type {Inks} */ { colours },
      ) => own && fadePhoto(own, opacity, colours.surface),
    ),
    look: memo(
      (
        /** @type {Look["grid"]} */ grid,
        /** @type {Look["under"]} */ under,
        /** @type {number} */ opacity,
        /** @type {Inks} */ ink,
      ) => ({ grid, under, opacity, ink }),
    ),
  });
  const sides = items.map(() => ({ ...figureView(actions, true), ...layered() }));
  /** @type {(typeof sides[number] & {root: HTMLElement})[]} */
  const differences = items.map(() => ({ ...figureView(actions), ...layered() }));
  replaceContent(
    all,
    ...sides.map((/** @type {any} */ f) => f.root),
    ...differences.slice(1).map((f) => f.root),
  );

  return view(
    root,
    (/** @type {Scene} */ scene, /** @type {number} */ width, /** @type {number} */ theme) => {
      if (pen && (inked(theme) || !ink)) ink = createInks(colour, pen);
      const pictures = numbers(scene);
      const { grids, values, differences: others, lost, limit, lacking } = pictures;
      const count = grids.length;
      const across = countColumns(width, count, others.filter(Boolean).length);
      const side = min(LARGEST, floor((width - (across - 1) * APART) / across));
      setAttributes(all, { style: `--across:${across};--plate:${side}px` });
      const { faint, opacity: rest } = /** @type {import("./evidence/settings.js").State} */ (scene.state);
      const opacity = faint ?? rest;
      /**
       * @param {any} figure @param {number} i of the picture below the map @param {boolean} bare
       * @param {object} shown
       */
      const draw = (figure, i, bare, shown) => {
        const grid = grids[i];
        const wide = round(min(side, side * grid.ratio));
        if (!ink) return figure.draw({ scene, grid, width: wide, limit, ...shown });
        const look = figure.look(grid, bare ? null : figure.under(photo(i), opacity, ink), opacity, ink);
        figure.draw({ scene, grid, look, width: wide, limit, bare, ...shown });
      };
      scene.sides.forEach(({ name, scene: own }, i) => {
        const { _method: method } = items[i];
        const said =
          `${own.unitEvidence.name} ${own.x.said[own.x.target]}, score ` + `${formatSigned(own.x.score)}`;
        draw(sides[i], i, false, {
          name,
          said: method === name ? said : `${method}: ${said}`,
          values: values[i],
          lost: lost[i],
          foot: sumSelected(scene, pictures, i),
          place: `${i + 1}: ${name}`,
        });
      });
      others.forEach((row, i) => {
        const { root: own } = differences[i];
        own.hidden = !row;
        toggleClass(own, "leads", count > 2 && others.findIndex(Boolean) === i);
        if (!row) return;
        const name = `${scene.sides[i].name} less ${scene.sides[0].name}`;
        draw(differences[i], 0, !items[i]._again, {
          name,
          said: "the difference, on the same scale",
          values: row,
          foot: sumSelected(scene, pictures, i, true),
          place: name,
        });
      });
      if (ink) scale.draw(/** @type {any} */ (scene), limit, ink);
      why.hidden = !lacking.length;
      replaceContent(why, lacking.join(" "));
    },
  );
};

/**
 * One picture with what stands over and under it.
 * @param {import("./actions.js").PatchActions} actions @param {boolean} [walked] the keyboard can go there
 */
const figureView = (actions, walked) => {
  const plate = plateView(actions, true);
  const cursor = walked && cursorView(actions, true);
  if (cursor) plate.append(cursor);
  const name = el("b", { dir: "auto" });
  const said = el("span", { dir: "auto" });
  const foot = el("p.foot");
  const root = el("figure.side-of", { role: "group" }, el("figcaption", name, said), el("div", plate, foot));
  return {
    root,
    /**
     * @param {{scene: Scene, look?: Look, grid: Look["grid"], width: number, limit: number, bare: boolean,
     *   name: string, said: string, values: number[], lost?: number[], foot: string, place: string}} now
     */
    draw(now) {
      const { scene, grid, look, values, place } = now;
      const { hover } = scene.state;
      setAttributes(root, { label: place });
      replaceContent(name, now.name);
      replaceContent(said, now.said);
      toggleClass(plate, "bare", now.bare);
      if (look) plate.draw({ ...now, scene: /** @type {any} */ (scene), look, chosen: scene.selected });
      const here = hover !== null && grid.patches.includes(hover);
      replaceContent(
        foot,
        here ? `${patchName(scene, hover)}: ${formatSigned(values[hover], scene.places)}` : now.foot,
      );
      if (cursor)
        cursor.draw(/** @type {any} */ (scene), grid, (/** @type {number} */ n) => told(scene, n, place));
    },
  };
};

/**
 * A patch with its value in every picture that has it, and their difference.
 * @param {Scene} scene @param {number} n @param {string} place
 */
const told = (scene, n, place) => {
  const { selected, sides, values, changes, places: d } = scene;
  const row = values[n];
  const parts = row.flatMap((v, i) => (v === null ? [] : [`${sides[i].name} ${formatSigned(v, d)}`]));
  if (parts.length === 2 && row.length === 2) parts.push(`difference ${formatSigned(changes[n], d)}`);
  return `${place}. ${patchName(scene, n)}${selected.includes(n) ? ", selected" : ""}: ${parts.join(", ")}`;
};
