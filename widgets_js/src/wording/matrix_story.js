/** The matrix in sentences. */

import { fill, sentences } from "../evidence/design.js";
import { countDigits, formatNumber, formatSigned } from "../evidence/format.js";
import { largestSize, max } from "../evidence/maths.js";
import { strongestCells } from "../evidence/rollout.js";
import { holesStory, layersOfLost, listed, ON_THEIR_WAY, tell, word } from "./story.js";

/** @typedef {import("../evidence/matrix.js").Matrix} Matrix */
/** @typedef {import("./story.js").Part} Part */

const TOLD = sentences.matrix;

/** @param {Matrix} m */
export const matrixDigits = (m) => max(3, countDigits(m.limit) + 1);
/** @param {Matrix} m */
export const matrixUnit = (m) => (m.head === null ? TOLD.shares : TOLD.score);

/**
 * The largest sum drawn whole: twice the strongest word's.  A special token may take in what all words give,
 * and theirs would vanish beside it.
 * @param {Matrix} m
 */
export const largestSum = ({ columns, rows, scene }) =>
  2 * max(...[columns, rows].map((side) => largestSize(side.filter((_, u) => !scene.units.special[u])))) ||
  Infinity;

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
  const lost = layersOfLost(scene, column, row, blockCounts(m));
  return tell(row === column ? TOLD.kept : TOLD.carried, {
    title: m.title,
    column: word(scene, column),
    row: word(scene, row),
    value: formatSigned(shown[q], d),
    plus: formatNumber(pair.plus[q], d),
    minus: formatNumber(pair.minus[q], d),
    name: scene.unitEvidence.name,
    itself: scene.state.residual && !m.alone ? TOLD.itself : "",
    lost: lost && fill(TOLD.lost, { layers: lost }),
  });
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
  const { title } = m;
  if (!links.length) return [...tell(TOLD.none, { title, grain: scene.state.granularity }), end];
  const told = links.map(({ row, column, value }) =>
    tell(TOLD.link, {
      column: word(scene, column),
      row: word(scene, row),
      value: formatSigned(value, d),
    }),
  );
  return [
    ...tell(links.length > 1 ? TOLD.strongest_few : TOLD.strongest, {
      title,
      links: listed(told, ", "),
      unit: matrixUnit(m),
    }),
    end,
  ];
};

/** How to read it. @param {Matrix} m */
export const readingNote = (m) => {
  const { scene, head, alone, beyond, columns, rows } = m;
  const sum = head !== null ? TOLD.sum_head : alone ? TOLD.sum_alone : TOLD.sum;
  const outside = beyond ? fill(beyond === 1 ? TOLD.beyond : TOLD.beyond_few, { count: beyond }) : "";
  const cut = largestSize([...columns, ...rows]) > largestSum(m);
  return fill(TOLD.note, { grain: scene.state.granularity, sum, beyond: outside }) + (cut ? TOLD.gap : "");
};
