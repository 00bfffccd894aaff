/** The matrix in sentences. */

import { countDigits, formatNumber, formatSigned, MINUS, shorten } from "../evidence/format.js";
import { largestSize, max } from "../evidence/maths.js";
import { strongestCells } from "../evidence/rollout.js";
import { holesStory, layersOfLost, ON_THEIR_WAY } from "./story.js";

/** @typedef {import("../evidence/matrix.js").Matrix} Matrix */
/** @typedef {import("./story.js").Part} Part */

/** @param {Matrix} m */
export const matrixDigits = (m) => max(3, countDigits(m.limit) + 1);
/** @param {Matrix} m */
export const matrixUnit = (m) => (m.head === null ? "shares" : "units of the score");

/**
 * The largest sum drawn whole: twice the strongest word's.  A special token may take in what all words give,
 * and theirs would vanish beside it.
 * @param {Matrix} m
 */
export const largestSum = ({ columns, rows, scene }) =>
  2 * max(...[columns, rows].map((side) => largestSize(side.filter((_, u) => !scene.units.special[u])))) ||
  Infinity;

/** @param {Matrix} m @param {number} u */
const name = ({ scene }, u) => shorten(scene.units.labels[u], 24);

/** The strongest steps from one unit into another. @param {Matrix} m @param {number} k */
export const strongestLinks = ({ shown, n }, k) => {
  if (!shown) return [];
  const off = shown.slice();
  for (let u = 0; u < n; u++) off[u * n + u] = 0;
  return strongestCells(off, n, k);
};

/** Does what this block adds count in what is shown? @param {Matrix} m */
export const blockCounts =
  ({ alone, head, b }) =>
  (/** @type {number} */ of) =>
    head === null && (alone ? of === b : of <= b);

/** @param {Matrix} m @returns {Part[]} */
const cellStory = (m) => {
  const [row, column] = /** @type {[number, number]} */ (m.cross);
  const d = matrixDigits(m);
  const { pair, shown, scene } = m;
  if (!pair || !shown) return ["…"];
  const q = row * m.n + column;
  const what = row === column ? " kept in its own place: " : " carried into ";
  const lost = layersOfLost(scene, column, row, blockCounts(m));
  const place = row === column ? [] : [{ unit: row, text: name(m, row) }, ": "];
  return [
    `${m.title}: `,
    { unit: column, text: name(m, column) },
    what,
    ...place,
    { strong: formatSigned(shown[q], d) },
    ` (${formatNumber(pair.plus[q], d)} for ${MINUS} ${formatNumber(pair.minus[q], d)} against ` +
      `${scene.unitEvidence.name}`,
    scene.state.residual && row === column && !m.alone ? `, and itself).` : ").",
    lost && ` Not a number in ${lost}: counted as zero.`,
  ];
};

/** What the caption below the matrix says now. @param {Matrix} m @returns {Part[]} */
export const matrixStory = (m) => {
  const { scene } = m;
  if (!scene.exact) return [ON_THEIR_WAY, "."];
  if (m.cross) return cellStory(m);
  const end = m.late ? " Working it out …" : "";
  if (scene.x.lost) return [...holesStory(scene), end];
  const d = matrixDigits(m);
  const links = strongestLinks(m, 2);
  if (!links.length)
    return [`${m.title}: nothing is carried from one ${scene.state.granularity} to another.`, end];
  return [
    `${m.title}: the strongest step${links.length > 1 ? "s" : ""} `,
    ...links.flatMap(({ row, column, value }, i) => [
      i ? ", " : "",
      { unit: column, text: name(m, column) },
      " → ",
      { unit: row, text: name(m, row) },
      ` ${formatSigned(value, d)}`,
    ]),
    `, in ${matrixUnit(m)}.`,
    end,
  ].filter((part) => part !== "");
};
