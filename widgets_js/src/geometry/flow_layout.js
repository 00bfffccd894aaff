/** Where everything of the flow stands.  Pure geometry: bottom = embeddings, top = decision. */
import { sizes } from "../evidence/design.js";
import { floor, largestSize, max, min, range, round } from "../evidence/maths.js";

/** @typedef {{top: number, height: number, mid: number}} Strip */

/**
 * @typedef {object} Layout
 * @property {number} width
 * @property {number} height
 * @property {boolean} wide
 * @property {boolean} middle
 * @property {number} x0 plot area
 * @property {number} x1
 * @property {number} first unit in sight
 * @property {number} last one beyond the last unit in sight
 * @property {number} column width of one unit
 * @property {(unit: number) => number} x centre of a unit's column
 * @property {(x: number) => number} unitAt
 * @property {number} decision bottom of the balance
 * @property {number} output level of the output line
 * @property {number} bottom level of the words
 * @property {number} slot height of a strip of weight one
 * @property {Strip[]} strips one per block
 * @property {(b: number) => number} above level where the gap above block b ends
 * @property {"flat" | "slant" | "thin"} axis
 * @property {number} angle of slanted words, degrees
 * @property {number} font size of the words
 */

/**
 * Room left and right of the plot, heights of strip, gap, decision and funnel: where it is wide, in the
 * middle, narrow.
 */
const { SIZES } = sizes.flow;
export const { WIDE, MIDDLE } = sizes.page;
/** From this many blocks on the strips share a fixed height. */
const { DEEP } = sizes.flow;
/** A block whose weight is below this is closed down towards a thin line. */
const { NARROWING, CLOSED_SLOT, CLOSED_GAP } = sizes.flow;

/**
 * @param {object} options
 * @param {number} options.width
 * @param {{first: number, last: number}} options.sight units in sight, the last one exclusive
 * @param {number[]} options.weights
 * @param {(unit: number) => number} options.nameWidth width of a unit's name at 12 px
 * @param {boolean} options.rtl
 * @returns {Layout}
 */
export const flowLayout = ({ width, sight: { first, last }, weights, nameWidth, rtl }) => {
  const count = last - first;
  const wide = width >= WIDE;
  const middle = width >= MIDDLE;
  const L = weights.length;
  const [x0, right, tall, apart, decision, funnel] = SIZES[wide ? 0 : middle ? 1 : 2];
  let [slot, gap] = [tall, apart];
  if (L > DEEP) {
    slot = max(5, (slot * 8) / L);
    gap = max(7, (gap * 8) / L);
  } else if (count > 100) {
    slot += wide ? 12 : 8;
    gap -= wide ? 6 : 4;
  }
  const x1 = max(x0 + 40, width - right);
  const column = (x1 - x0) / max(1, count);
  const output = decision + funnel;

  const open = weights.map((w, b) => (b && L <= DEEP ? min(1, w / NARROWING) : 1));
  const heights = open.map((o) => CLOSED_SLOT + (slot - CLOSED_SLOT) * o);
  const gaps = open.map((o) => CLOSED_GAP + (gap - CLOSED_GAP) * o);
  /** @type {Strip[]} */
  const strips = [];
  let y = output;
  for (let b = L - 1; b >= 0; b--) {
    // A gap is as tall as the more open of the two blocks it joins asks for.
    y += max(gaps[b], gaps[b + 1] ?? CLOSED_GAP + 9);
    strips[b] = { top: y, height: heights[b], mid: y + heights[b] / 2 };
    y += heights[b];
  }
  const font = wide && count <= 20 ? 14 : 12;
  const scale = font / 12;
  const shown = range(last).slice(first);
  const axis = shown.every((u) => nameWidth(u) * scale + 8 <= column)
    ? "flat"
    : column >= 13.5
      ? "slant"
      : "thin";
  const angle = column < 17 ? 64 : column < 26 ? 52 : 40;
  const words =
    axis === "flat"
      ? 30
      : axis === "slant"
        ? min(112, largestSize(shown.map(nameWidth)) * scale * Math.sin((angle * Math.PI) / 180) + 26)
        : 46;
  /** @param {number} unit */
  const x = (unit) => (rtl ? x1 : x0) + (rtl ? -1 : 1) * (unit - first + 0.5) * column;
  return {
    width,
    height: round(y + words),
    wide,
    middle,
    x0,
    x1,
    first,
    last,
    column,
    x,
    unitAt: (px) => first + floor((rtl ? x1 - px : px - x0) / column),
    decision,
    output,
    bottom: y,
    slot,
    strips,
    above: (b) => (b + 1 < L ? strips[b + 1].top + strips[b + 1].height : output),
    axis,
    angle,
    font,
  };
};

/** Level of the front that has passed `play` blocks. @param {Layout} layout @param {number} play */
export const frontLevel = ({ strips, above, output }, play) => {
  const b = floor(play);
  if (b >= strips.length) return output;
  const from = strips[b].top + strips[b].height;
  return from - (play - b) * (from - above(b));
};
