/** Where everything of the rollout matrix stands.  Pure geometry; text from right to left mirrors it. */
import { sizes } from "../evidence/design.js";
import { ceil, floor, largestSize, max, min, round, sortStrongestFirst, times } from "../evidence/maths.js";
import { MIDDLE, WIDE } from "./flow_layout.js";

/**
 * @typedef {object} MatrixLayout
 * @property {number} width of the board
 * @property {number} height
 * @property {boolean} wide
 * @property {boolean} middle
 * @property {boolean} rtl
 * @property {number} x0 the square
 * @property {number} x1
 * @property {number} y0
 * @property {number} y1
 * @property {number} cell side of one cell, px
 * @property {{row: number, column: number, side: number}} window units that are shown
 * @property {(column: number) => number} x centre of a column
 * @property {(row: number) => number} y centre of a row
 * @property {(x: number, y: number) => [number, number] | null} at row and column under a point
 * @property {number} margin height of the longest sum
 * @property {number} angle of the names above the columns; 0: flat
 */

export const { FONT } = sizes.matrix;
/** The longest name beside the matrix, px. @param {number} width of the widget */
export const nameRoom = (width) => (width >= MIDDLE ? 104 : 62);
const { LARGEST_SIDE, LARGEST_CELL, ANGLE } = sizes.matrix;
/** Left of the board the film, right of it the notes: their widths together. */
const BESIDE = 400;

/**
 * @param {object} options
 * @param {number} options.width
 * @param {number} options.count units
 * @param {number[]} options.names widths of the units' names
 * @param {number[]} options.zoom first row, first column, side; or nothing
 * @param {boolean} options.rtl
 * @returns {MatrixLayout}
 */
export const matrixLayout = ({ width, count, names, zoom, rtl }) => {
  const wide = width >= WIDE;
  const middle = width >= MIDDLE;
  const shown = min(zoom[2] ?? count, count);
  // Of a finer grain it may reach beyond this one's end.
  /** @param {number} at */
  const from = (at) => min(zoom[at] ?? 0, count - shown);
  const window = { row: from(0), column: from(1), side: shown };
  const board = wide ? width - BESIDE : width;
  const longest = largestSize(names);
  const margin = middle ? 40 : 26;
  const left = longest + 12;
  const cos = Math.cos((ANGLE * Math.PI) / 180);
  const right = max(margin + 10, ceil(longest * cos) + 4);
  const room = max(60, min(LARGEST_SIDE, board - left - right));
  let cell = min(LARGEST_CELL, room / window.side);
  // Whole pixels where cells can be told apart: no seam is wider than its neighbour.
  if (cell >= 4) cell = floor(cell);
  const side = cell * window.side;
  const flat = names.every((w) => w + 6 <= cell);
  const y0 = flat ? 28 : ceil(longest * Math.sin((ANGLE * Math.PI) / 180)) + 18;
  const x0 = rtl ? right : left;
  const [x1, y1] = [x0 + side, y0 + side];
  /** @param {number} column */
  const x = (column) => (rtl ? x1 : x0) + (rtl ? -1 : 1) * (column - window.column + 0.5) * cell;
  return {
    width: left + side + right,
    height: round(y1 + margin + 14),
    wide,
    middle,
    rtl,
    x0,
    x1,
    y0,
    y1,
    cell,
    window,
    x,
    y: (row) => y0 + (row - window.row + 0.5) * cell,
    at(px, py) {
      if (px < x0 || px >= x1 || py < y0 || py >= y1) return null;
      const along = floor((rtl ? x1 - px : px - x0) / cell);
      const down = floor((py - y0) / cell);
      /** @param {number} v */
      const inside = (v) => min(window.side - 1, v);
      return [window.row + inside(down), window.column + inside(along)];
    },
    margin,
    angle: flat ? 0 : rtl ? ANGLE : -ANGLE,
  };
};

/**
 * Which units are named along a side: all where they fit, else the chosen ones and then the strongest,
 * none closer than `room` to another.
 * @param {number} from first unit shown
 * @param {number} size how many
 * @param {number} cell
 * @param {number} room
 * @param {number[]} chosen @param {number[]} weights
 */
export const chooseNames = (from, size, cell, room, chosen, weights) => {
  const shown = times(size, (i) => from + i);
  if (cell >= room) return shown;
  const apart = room / cell;
  /** @type {number[]} */
  const kept = [];
  const order = sortStrongestFirst(shown, weights);
  for (const u of [...chosen.filter((c) => c >= from && c < from + size), ...order])
    if (kept.every((k) => (k - u) ** 2 >= apart ** 2)) kept.push(u);
  return kept;
};
