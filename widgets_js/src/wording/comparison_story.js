/** How several explanations differ, in words. */

import { comparableText, NOTHING } from "../evidence/comparison.js";
import { fill, sentences } from "../evidence/design.js";
import { formatNumber, formatSigned, shortenLabel } from "../evidence/format.js";
import { largestSize, signOf, sortStrongestFirst } from "../evidence/maths.js";
import { tell } from "./story.js";

/** @typedef {import("../evidence/scene.js").Scene} Scene */
/** @typedef {import("../evidence/comparison.js").Compared} Compared */
/** @typedef {import("./story.js").Part} Part */

const TOLD = sentences.comparison;

/** How the explanations differ, in a sentence or two. @param {Scene} scene @returns {Part[]} */
export const comparisonStory = (scene) => {
  const { sides, values, changes, order, units, selected, places: d } = /** @type {Compared} */ (scene);
  const two = sides.length === 2;
  /** @param {number} n @returns {Part[]} */
  const change = (n) => {
    const shown = values[n].map((v) => (v === null ? NOTHING : formatSigned(v, d)));
    const word = { unit: n, text: units.labels[n] };
    if (!two)
      return tell(TOLD.spread, { word, values: shown.join(" / "), change: formatNumber(changes[n], d) });
    const [first, second] = shown;
    return tell(TOLD.change, { word, first, second, change: formatSigned(changes[n], d) });
  };
  /** @param {number[]} rows */
  const list = (rows) => rows.flatMap((n, i) => [...(i ? ["; "] : []), ...change(n)]);
  if (selected.length) return tell(TOLD.chosen, { changes: list(selected) });
  if (!order.length) return [TOLD.none];
  if (!largestSize(changes)) return [TOLD.same];
  const { texts } = /** @type {import("../evidence/comparison.js").RowUnits} */ (units);
  const edited = order.filter((n) => new Set(texts[n].map(comparableText)).size > 1);
  const kept = order.filter((n) => !edited.includes(n));
  const classes = sides.map(({ scene: { x } }) => shortenLabel(x.answer));
  const turn = new Set(classes).size > 1 ? tell(TOLD.turns, { classes: classes.join(" → ") }) : [];
  if (new Set(sides.map(({ scene: { x } }) => x.text)).size > 1 && edited.length)
    return [
      ...turn,
      ...tell(TOLD.edited, {
        changes: list(edited.slice(0, 2)),
        kept: kept.length ? tell(TOLD.kept, { change: change(kept[0]) }) : "",
      }),
    ];
  const strength = values.map((row) => largestSize(row.map((v) => v ?? 0)));
  const strongest = sortStrongestFirst(order, strength).slice(0, 10);
  const agree = strongest.filter((n) => new Set(values[n].map((v) => signOf(v ?? 0))).size === 1).length;
  const agreement = fill(agree === 1 ? TOLD.agrees : TOLD.agree, {
    count: strongest.length,
    agree,
    all: two ? TOLD.both : TOLD.all,
  });
  return [
    ...turn,
    ...tell(TOLD.most, {
      changes: list(order.slice(0, 2)),
      agreement: strongest.length > 1 ? agreement : "",
    }),
  ];
};
