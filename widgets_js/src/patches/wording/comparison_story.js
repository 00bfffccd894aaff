/** What the caption says of pictures side by side; `figures/scene/patch_comparison.py` is the twin. */

import { fill, sentences, sizes } from "../../evidence/design.js";
import { formatSigned } from "../../evidence/format.js";
import { range, sortStrongestFirst, sum } from "../../evidence/maths.js";
import { comparisonStory } from "../../wording/comparison_story.js";
import { listed, tell } from "../../wording/story.js";

/** @typedef {import("../evidence/comparison.js").Scene} Scene */
/** @typedef {import("../evidence/comparison.js").Pictures} Pictures */
/** @typedef {import("../../wording/story.js").Part} Part */

const TOLD = sentences.pictures;
/** More patches than this are told of together. */
const { LISTED } = sizes.patches;

/**
 * What the row stands for in one picture, and there in all that have it.
 * @param {Scene} scene @param {number} n
 */
export const patchName = ({ units }, n) =>
  /** @type {{texts: string[][]} & typeof units} */ (units).texts[n].find(Boolean) ?? "";

/** @param {Scene} scene @param {Pictures} pictures @returns {Part[]} */
export const picturesStory = (scene, { grids, shared, values: own }) => {
  const { state, units, sides, values, places: d, order } = scene;
  const { preview } = state;
  const chosen = preview !== null && preview < units.count ? [preview] : scene.selected;
  const names = sides.map((side) => side.name);
  if (chosen.length > LISTED) {
    const sums = own.map((row) => sum(chosen.map((n) => row[n])));
    const each = sums.map((v, i) => `${names[i]} ${formatSigned(v, d)}`);
    return tell(shared && sums.length === 2 ? TOLD.sums_of_two : TOLD.sums, {
      count: chosen.length,
      sums: each.join("; "),
      difference: formatSigned(sums[1] - sums[0], d),
    });
  }
  if (shared) return comparisonStory(/** @type {any} */ ({ ...scene, selected: chosen }));
  /** @param {[number, number][]} places picture and row @returns {Part[]} */
  const valued = (places) =>
    listed(
      places.map(([i, n]) =>
        tell(TOLD.value, {
          name: names[i],
          patch: { unit: n, text: patchName(scene, n) },
          value: formatSigned(own[i][n], d),
        }),
      ),
      "; ",
    );
  const sideNumbers = range(names.length);
  if (chosen.length)
    return tell(TOLD.values, {
      values: valued(
        chosen.flatMap((n) =>
          sideNumbers.flatMap((i) =>
            values[n][i] === null ? [] : [/** @type {[number, number]} */ ([i, n])],
          ),
        ),
      ),
    });
  const best = sideNumbers.map(
    (i) =>
      /** @type {[number, number]} */ ([
        i,
        sortStrongestFirst(
          order.filter((n) => values[n][i] !== null),
          own[i],
        )[0],
      ]),
  );
  const found = new Set(grids.map(({ rows, columns }) => fill(TOLD.grid, { rows, columns })));
  return tell(TOLD.grids, { grids: [...found].join(sentences.story.and), values: valued(best) });
};
