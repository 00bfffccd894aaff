/**
 * Pictures on one scale, and their differences to the first. Pure; `figures/scene/patch_comparison.py` is
 * the twin.
 */
import { fill, sentences, sizes } from "../../evidence/design.js";
import { formatSigned } from "../../evidence/format.js";
import { floor, largestSize, max, min, range, sum } from "../../evidence/maths.js";
import { memo } from "../../evidence/memo.js";
import { layersOfLost } from "../../wording/story.js";
import { readGrid } from "./map.js";

/** @typedef {import("../../evidence/comparison.js").Compared} Scene */
/** @typedef {import("./map.js").Grid} Grid */
/** @typedef {Record<string, any>} Item of one explanation, what the wire brings beside it */

/**
 * All by the rows of the comparison, so that a patch has one number in all pictures.
 * @typedef {object} Pictures
 * @property {Grid[]} grids where the patches of each stand
 * @property {boolean} shared all have one grid
 * @property {number[][]} values of each picture
 * @property {(number[] | null)[]} differences to the first; null where there is none
 * @property {number[][]} lost what is no number in each
 * @property {string[]} lacking why there is no difference
 * @property {number} limit what the deepest tone stands for, in all of them
 * @property {string[]} names of the rows, in short
 */

const TOLD = sentences.pictures;

/** Width of a picture's column at least, room between two, px. */
const { NARROWEST } = sizes.patches;
export const { APART } = sizes.patches;

/**
 * How many pictures stand beside each other.
 * @param {number} width @param {number} count @param {number} differences
 */
export const countColumns = (width, count, differences) => {
  const fit = max(1, floor((width + APART) / (NARROWEST + APART)));
  const most = count + (count === 2 ? differences : 0);
  return fit >= most ? most : min(fit, 2);
};

/** @param {Grid} grid */
const by = ({ rows, columns }) => fill(TOLD.grid, { rows, columns });

/** @param {Scene} scene @param {Item[]} items @returns {Pictures} */
const build = ({ sides, values, units, most }, items) => {
  const grids = sides.map(({ scene, rowOf }, i) => {
    const grid = readGrid(items[i]._place, scene.units);
    return { ...grid, patches: grid.patches.map((u) => rowOf[u]), others: grid.others.map((u) => rowOf[u]) };
  });
  const [first, ...rest] = grids.map(by);
  const own = sides.map((_, i) => values.map((row) => row[i] ?? 0));
  const differences = own.map((row, i) =>
    i && rest[i - 1] === first ? row.map((v, n) => v - own[0][n]) : null,
  );
  const names = [...units.labels];
  for (const { patches, columns } of grids)
    for (const [p, n] of patches.entries()) names[n] = `${floor(p / columns) + 1} · ${(p % columns) + 1}`;
  return {
    grids,
    shared: rest.every((grid) => grid === first),
    values: own,
    differences,
    lost: sides.map(({ scene, rowOf }) =>
      scene.x.lost ? range(scene.units.count).flatMap((u) => (layersOfLost(scene, u) ? [rowOf[u]] : [])) : [],
    ),
    lacking: rest.flatMap((grid, i) =>
      grid === first
        ? []
        : [fill(TOLD.lacking, { first: sides[0].name, other: sides[i + 1].name, grid: first, own: grid })],
    ),
    limit: max(
      most,
      ...differences.map((row) => (row ? largestSize(grids[0].patches.map((n) => row[n])) : 0)),
    ),
    names,
  };
};

/** The numbers, made anew only when they change. */
export const createPicturesMaker = () => {
  /** @type {Scene} */
  let scene;
  const made = memo(
    /** @param {Item[]} items @param {unknown} _ @param {unknown[]} __ */
    (items, _, ...__) => build(scene, items),
  );
  return (/** @type {Scene} */ now, /** @type {Item[]} */ items) => {
    scene = now;
    return made(items, now.layer, now.units, ...now.sides.map((side) => side.scene.unitEvidence));
  };
};

/**
 * What is selected in a picture, or all of it, comes to.
 * @param {Scene} scene @param {Pictures} pictures @param {number} i @param {boolean} [difference]
 */
export const sumSelected = (
  { selected, places: d, sides, values },
  { values: own, differences },
  i,
  difference,
) => {
  const row = (difference && differences[i]) || own[i];
  if (selected.length) {
    const has = difference || selected.some((n) => values[n][i] !== null);
    const total = has ? formatSigned(sum(selected.map((n) => row[n])), d) : TOLD.no_patch;
    return fill(TOLD.selected, { total });
  }
  const total = formatSigned(sum(row), d);
  const { name } = sides[i].scene.unitEvidence;
  return fill(difference ? TOLD.difference : TOLD.sum, { total, name });
};
