/** How several explanations differ, in words. */
import { comparableText, NOTHING } from "../evidence/comparison.js";
import { formatNumber, formatSigned } from "../evidence/format.js";
import { largestSize, signOf, sortStrongestFirst } from "../evidence/maths.js";

/** @typedef {import("../evidence/scene.js").Scene} Scene */
/** @typedef {import("../evidence/comparison.js").Compared} Compared */
/** @typedef {import("./story.js").Part} Part */

/** How the explanations differ, in a sentence or two. @param {Scene} scene @returns {Part[]} */
export const comparisonStory = (scene) => {
  const { sides, values, changes, order, units, selected, places: d } = /** @type {Compared} */ (scene);
  const two = sides.length === 2;
  /** @param {number} n @returns {Part[]} */
  const change = (n) => {
    const shown = values[n].map((v) => (v === null ? NOTHING : formatSigned(v, d)));
    return [
      { unit: n, text: units.labels[n] },
      two ? ` from ${shown[0]} to ${shown[1]}, ` : ` ${shown.join(" / ")}, `,
      { strong: two ? formatSigned(changes[n], d) : `spread ${formatNumber(changes[n], d)}` },
    ];
  };
  /** @param {number[]} rows */
  const list = (rows) => rows.flatMap((n, i) => [...(i ? ["; "] : []), ...change(n)]);
  if (selected.length) return [...list(selected), "."];
  if (!order.length) return ["There is nothing to compare."];
  if (!largestSize(changes)) return ["They do not differ."];
  const { texts } = /** @type {import("../evidence/comparison.js").RowUnits} */ (units);
  const edited = order.filter((n) => new Set(texts[n].map(comparableText)).size > 1);
  const kept = order.filter((n) => !edited.includes(n));
  const classes = sides.map(({ scene: { x } }) => x.answer);
  /** @type {Part[]} */
  const turn =
    new Set(classes).size > 1 ? ["The decision turns: ", { strong: classes.join(" → ") }, ". "] : [];
  if (new Set(sides.map(({ scene: { x } }) => x.text)).size > 1 && edited.length)
    return [
      ...turn,
      "Of what was edited, most comes from ",
      ...list(edited.slice(0, 2)),
      ...(kept.length ? ["; of what was kept, from ", ...change(kept[0])] : []),
      ".",
    ];
  const strength = values.map((row) => largestSize(row.map((v) => v ?? 0)));
  const strongest = sortStrongestFirst(order, strength).slice(0, 10);
  const few = strongest.length < 2;
  const agree = strongest.filter((n) => new Set(values[n].map((v) => signOf(v ?? 0))).size === 1).length;
  return [
    ...turn,
    "They differ most at ",
    ...list(order.slice(0, 2)),
    few
      ? "."
      : `. Of the ${strongest.length} strongest, ${agree} ${agree === 1 ? "has" : "have"} the same ` +
        `sign in ${two ? "both" : "all"}.`,
  ];
};
