/** The matrix' canvases: cells, sums along the edges, thumbnails. */

import { sizes } from "../../evidence/design.js";
import { abs, clamp, max, min, round, TINY } from "../../evidence/maths.js";
import { poolCells, toneScale } from "../../evidence/rollout.js";
import { fillRect, pixelRatio } from "../../kit/canvas.js";
import { contextOf, el } from "../../kit/dom.js";
import { createHatching, createToneBytes, createTones, cssColour } from "../../kit/palette.js";
import { barClass } from "../../kit/shapes.js";
import { largestSum } from "../../wording/matrix_story.js";

/** @typedef {import("../../evidence/matrix.js").Matrix} Matrix */
/** @typedef {import("../../geometry/matrix_layout.js").MatrixLayout} MatrixLayout */
/** @typedef {import("../../kit/palette.js").Palette} Palette */
/** @typedef {CanvasRenderingContext2D} Context */
/** @typedef {string | CanvasPattern} Ink */

/**
 * Cells smaller than this, in px, are painted as one picture; larger ones show hatching and a mark where
 * they leave the scale.
 */
const { FINE, FAINT } = sizes.matrix;

/** @param {Context} context @param {Matrix} m @param {MatrixLayout} layout @param {Palette} colours */
export const paintMatrix = (context, m, layout, colours) => {
  const { x0, y0, x1, y1, cell, window, rtl } = layout;
  const hatch = createHatching(context, cssColour(colours.surface, 0.5));
  if (m.shown) {
    if (cell < FINE)
      drawn(
        context,
        m.shown,
        m.n,
        window,
        round((x1 - x0) * pixelRatio()),
        [x0, y0, x1 - x0, y1 - y0],
        toneScale(m.limit, m.knee),
        colours,
        rtl,
      );
    else cells(context, m, layout, colours, hatch);
    edges(context, m, layout, colours, hatch);
  }
  context.strokeStyle = cssColour(colours.rule);
  context.lineWidth = 1;
  context.strokeRect(x0 - 0.5, y0 - 0.5, x1 - x0 + 1, y1 - y0 + 1);
};

/**
 * @param {Context} context @param {Matrix} m @param {MatrixLayout} layout @param {Palette} colours
 * @param {Ink} hatch
 */
const cells = (context, m, { window: w, cell, x, y }, colours, hatch) => {
  const tone = createTones(colours);
  const scaled = toneScale(m.limit, m.knee);
  const size = cell - (cell > 14 ? 1 : cell > 9 ? 0.5 : 0);
  const dark = cssColour(colours.surface);
  const r = min(5, cell * 0.3);
  for (let row = w.row; row < w.row + w.side; row++)
    for (let column = w.column; column < w.column + w.side; column++) {
      const t = scaled(/** @type {Float32Array} */ (m.shown)[row * m.n + column]);
      if (abs(t) < FAINT) continue;
      const [cx, cy] = [x(column), y(row)];
      const box = /** @type {const} */ ([cx - size / 2, cy - size / 2, size, size]);
      fillRect(context, tone(t), ...box);
      if (t < 0) fillRect(context, hatch, ...box);
      // A cell beyond the scale carries its sign as a mark.
      if (abs(t) <= 1.0001) continue;
      fillRect(context, dark, cx - r, cy - 0.75, 2 * r, 1.5);
      if (t > 0) fillRect(context, dark, cx - 0.75, cy - r, 1.5, 2 * r);
    }
};

/**
 * A window of a matrix as one picture, a pixel for each cell, with at most so many along each side.
 * @param {Context | null} context @param {Float32Array} values @param {number} n
 * @param {{row: number, column: number, side: number}} window @param {number} most
 * @param {[number, number, number, number]} box @param {(v: number) => number} scaled
 * @param {Palette} colours @param {boolean} rtl
 */
const drawn = (context, values, n, window, most, box, scaled, colours, rtl) => {
  const small = poolCells(values, n, window, max(1, most));
  const side = small.cells;
  const canvas = el("canvas", { width: side, height: side });
  const pen = contextOf(canvas);
  if (!pen || !context) return;
  const bytes = createToneBytes(createTones(colours));
  const image = pen.createImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  small.values.forEach((v, q) => {
    pixels[rtl ? q + side - 1 - 2 * (q % side) : q] = bytes(scaled(v));
  });
  pen.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, ...box);
};

/**
 * Sums of the columns below and of the rows beside, on one scale.
 * @param {Context} context @param {Matrix} m @param {MatrixLayout} layout @param {Palette} colours
 * @param {Ink} hatch
 */
const edges = (context, m, { x, y, x0, x1, y0, y1, cell, window: w, margin, rtl }, colours, hatch) => {
  const thick = max(0.75, cell - (cell > 9 ? 1 : 0));
  const sides = [m.columns.slice(w.column, w.column + w.side), m.rows.slice(w.row, w.row + w.side)];
  const cut = largestSum(m);
  const shown = sides.map((side) => side.map((v) => clamp(v, -cut, cut)));
  const most = shown.map((side) => [max(0, ...side), max(0, ...side.map((v) => -v))]);
  const reach = margin / max(TINY, ...most.map(([plus, minus]) => plus + minus));
  shown.forEach((side, rows) => {
    // Support stands above the columns' axis, and at the far side of the rows'.
    const beside = 8 + most[rows][rows] * reach;
    const zero = !rows ? y1 + beside : rtl ? x0 - beside : x1 + beside;
    /**
     * @param {Ink} ink @param {number} along @param {number} from @param {number} width
     * @param {number} length
     */
    const box = (ink, along, from, width, length) =>
      rows
        ? fillRect(context, ink, from, along, length, width)
        : fillRect(context, ink, along, from, width, length);
    side.forEach((v, i) => {
      const length = abs(v) * reach;
      if (length < 0.3) return;
      const back = v > 0 === (!rows || rtl);
      const along = (rows ? y(w.row + i) : x(w.column + i)) - thick / 2;
      const from = back ? zero - length : zero;
      box(cssColour(colours[barClass(v)]), along, from, thick, length);
      if (v < 0 && min(thick, length) >= 3) box(hatch, along, from, thick, length);
      // The gap says that it goes on.
      if (abs(sides[rows][i]) > cut)
        box(cssColour(colours.surface), along, zero + (back ? -0.8 : 0.8) * length - 1.5, thick, 3);
    });
    box(cssColour(colours.ink3), rows ? y0 : x0, round(zero), x1 - x0, 1);
  });
};

/**
 * A small matrix without names.
 * @param {HTMLCanvasElement} canvas @param {{values: Float32Array, n: number}} thumb @param {number} limit
 * @param {Palette} colours @param {boolean} rtl
 */
export const paintThumb = (canvas, { values, n }, limit, colours, rtl) => {
  const { width } = canvas;
  drawn(
    contextOf(canvas),
    values,
    n,
    { row: 0, column: 0, side: n },
    width,
    [0, 0, width, width],
    toneScale(limit, 1),
    colours,
    rtl,
  );
};

/**
 * The scale from the strongest opposition to the strongest support, as the cells are toned.
 * @param {HTMLCanvasElement} canvas @param {Matrix} m @param {Palette} colours
 */
export const paintScale = (canvas, m, colours) => {
  const pen = contextOf(canvas);
  if (!pen) return;
  const { width, height } = canvas;
  const tone = createTones(colours);
  const scaled = toneScale(1, m.knee);
  pen.clearRect(0, 0, width, height);
  for (let i = 0; i < width; i++) fillRect(pen, tone(scaled((2 * (i + 0.5)) / width - 1)), i, 0, 1, height);
  fillRect(pen, createHatching(pen, cssColour(colours.surface, 0.5)), 0, 0, width / 2, height);
};
