/** The matrix' canvases: cells, sums along the edges, thumbnails. */
import { pooled, toneOf } from "../lib/rollout.js";
import { hatching, rgba, toneBytes, tones } from "./palette.js";

/** @typedef {import("../lib/matrix.js").Matrix} Matrix */
/** @typedef {import("../lib/matrix_layout.js").MatrixLayout} MatrixLayout */
/** @typedef {import("./palette.js").Palette} Palette */
/** @typedef {CanvasRenderingContext2D} Context */

/** Cells smaller than this, in px, are painted as one picture. */
const FINE = 6;
/** Cells from this size on show hatching and a mark where they leave the scale. */
const HATCHED = 6;
const FAINT = 0.012;

/** @param {Context} context @param {Matrix} m @param {MatrixLayout} layout @param {Palette} colours */
export function paintMatrix(context, m, layout, colours) {
  const ratio = context.canvas.width / layout.width;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, layout.width, layout.height);
  const { x0, y0, x1, y1, cell } = layout;
  const hatch = hatching(context, rgba(colours.surface, 0.5), 1.3, ratio);
  const tone = tones(colours);
  if (m.shown) {
    if (cell < FINE) fine(context, m, layout, tone, ratio);
    else cells(context, m, layout, colours, tone, hatch);
    edges(context, m, layout, colours, hatch);
  }
  context.strokeStyle = rgba(colours.rule);
  context.lineWidth = 1;
  context.strokeRect(x0 - 0.5, y0 - 0.5, x1 - x0 + 1, y1 - y0 + 1);
}

/** @param {Context} context @param {Matrix} m @param {MatrixLayout} layout @param {Palette} colours @param {(t: number) => string} tone @param {string | CanvasPattern} hatch */
function cells(context, m, layout, colours, tone, hatch) {
  const { window: w, cell } = layout;
  const scaled = toneOf(m.limit, m.knee);
  const gap = cell > 14 ? 1 : cell > 9 ? 0.5 : 0;
  const size = cell - gap;
  const dark = rgba(colours.surface);
  for (let row = w.row; row < w.row + w.size; row++)
    for (let column = w.column; column < w.column + w.size; column++) {
      const v = /** @type {Float32Array} */ (m.shown)[row * m.n + column];
      const t = scaled(v);
      if (Math.abs(t) < FAINT) continue;
      const left = layout.x(column) - size / 2;
      const top = layout.y(row) - size / 2;
      context.fillStyle = tone(t);
      context.fillRect(left, top, size, size);
      if (t < 0 && cell >= HATCHED) {
        context.fillStyle = hatch;
        context.fillRect(left, top, size, size);
      }
      if (Math.abs(t) > 1.0001) outside(context, layout.x(column), layout.y(row), Math.min(5, cell * 0.3), t > 0, dark);
    }
}

/** A cell beyond the scale carries its sign as a mark. @param {Context} context @param {number} x @param {number} y @param {number} r @param {boolean} plus @param {string} ink */
function outside(context, x, y, r, plus, ink) {
  context.fillStyle = ink;
  context.fillRect(x - r, y - 0.75, 2 * r, 1.5);
  if (plus) context.fillRect(x - 0.75, y - r, 1.5, 2 * r);
}

/** @param {Context} context @param {Matrix} m @param {MatrixLayout} layout @param {(t: number) => string} tone @param {number} ratio */
function fine(context, m, { window, x0, y0, x1, y1, rtl }, tone, ratio) {
  const dots = Math.max(1, Math.round((x1 - x0) * ratio));
  const { values, cells: n } = pooled(/** @type {Float32Array} */ (m.shown), m.n, window, dots);
  const picture = bitmap(values, n, toneOf(m.limit, m.knee), toneBytes(tone), rtl);
  context.imageSmoothingEnabled = false;
  if (picture) context.drawImage(picture, x0, y0, x1 - x0, y1 - y0);
}

/** One pixel for each cell. @param {ArrayLike<number>} values @param {number} n @param {(v: number) => number} scaled @param {(t: number) => ArrayLike<number>} bytes @param {boolean} rtl */
function bitmap(values, n, scaled, bytes, rtl) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = n;
  const pen = canvas.getContext("2d");
  if (!pen) return null;
  const image = pen.createImageData(n, n);
  for (let i = 0, q = 0; i < n; i++)
    for (let j = 0; j < n; j++, q++) image.data.set(bytes(scaled(values[q])), 4 * (i * n + (rtl ? n - 1 - j : j)));
  pen.putImageData(image, 0, 0);
  return canvas;
}

/** Sums of the columns below and of the rows beside, on one scale. @param {Context} context @param {Matrix} m @param {MatrixLayout} layout @param {Palette} colours @param {string | CanvasPattern} hatch */
function edges(context, m, { x, y, x0, x1, y0, y1, cell, window: w, margin, rtl }, colours, hatch) {
  const thick = Math.max(0.75, cell - (cell > 9 ? 1 : 0));
  const sides = [m.columns.slice(w.column, w.column + w.size), m.rows.slice(w.row, w.row + w.size)];
  const most = sides.map((side) => [Math.max(0, ...side), Math.max(0, ...side.map((v) => -v))]);
  const reach = margin / Math.max(1e-12, ...most.map(([plus, minus]) => plus + minus));
  sides.forEach((side, n) => {
    // Support stands above the columns' axis, and at the far side of the rows'.
    const zero = n === 0 ? y1 + 8 + most[0][0] * reach : rtl ? x0 - 8 - most[1][1] * reach : x1 + 8 + most[1][1] * reach;
    side.forEach((v, i) => {
      const length = Math.abs(v) * reach;
      if (length < 0.3) return;
      const back = n === 0 ? v > 0 : v > 0 === rtl;
      const [from, at] = [back ? zero - length : zero, n === 0 ? x(w.column + i) : y(w.row + i)];
      const box = n === 0 ? [at - thick / 2, from, thick, length] : [from, at - thick / 2, length, thick];
      for (const fill of v < 0 && Math.min(thick, length) >= 3 ? [rgba(colours.opp), hatch] : [rgba(colours[v > 0 ? "sup" : "opp"])]) {
        context.fillStyle = fill;
        context.fillRect(box[0], box[1], box[2], box[3]);
      }
    });
    context.fillStyle = rgba(colours.ink3);
    if (n === 0) context.fillRect(x0, Math.round(zero), x1 - x0, 1);
    else context.fillRect(Math.round(zero), y0, 1, y1 - y0);
  });
}

/**
 * A small matrix without names.
 * @param {HTMLCanvasElement} canvas @param {{values: Float32Array, n: number}} thumb @param {number} limit
 * @param {Palette} colours @param {boolean} rtl
 */
export function paintThumb(canvas, { values, n }, limit, colours, rtl) {
  const whole = { row: 0, column: 0, size: n };
  const small = pooled(values, n, whole, canvas.width);
  const picture = bitmap(small.values, small.cells, toneOf(limit, 1), toneBytes(tones(colours)), rtl);
  const pen = canvas.getContext("2d");
  if (!pen || !picture) return;
  pen.imageSmoothingEnabled = false;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
}

/** The scale from the strongest opposition to the strongest support, as the cells are toned. @param {HTMLCanvasElement} canvas @param {Matrix} m @param {Palette} colours */
export function paintScale(canvas, m, colours) {
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const { width, height } = canvas;
  const tone = tones(colours);
  const scaled = toneOf(1, m.knee);
  pen.clearRect(0, 0, width, height);
  for (let i = 0; i < width; i++) {
    pen.fillStyle = tone(scaled((2 * (i + 0.5)) / width - 1));
    pen.fillRect(i, 0, 1, height);
  }
  pen.fillStyle = hatching(pen, rgba(colours.surface, 0.5), 1.3, 1);
  pen.fillRect(0, 0, width / 2, height);
}
