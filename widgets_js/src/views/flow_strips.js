/** The strips of the flow: a cell for each word and block, as rectangles or, where there are too many, as pixels. */
import { rgba } from "./palette.js";

/** @typedef {import("../lib/layout.js").Layout} Layout */
/** @typedef {import("./flow_paint.js").Stage} Stage */
/** @typedef {CanvasRenderingContext2D} Context */

/** Cells below this share of the deepest tone are left out. */
const FAINT = 0.015;
/** Strips lower than this cannot show hatching: support stands above their line, opposition below. */
const SLIVER = 8;
/** From this number of cells on they are written into an image, a column of pixels each. */
const MANY = 3000;
/** Words that the drawn ribbons do not touch recede. */
const RECEDE = 0.42;

/** @param {Context} context @param {Stage} stage @param {number} upto blocks passed */
export function drawStrips(context, stage, upto) {
  const { scene, flow, layout, colours } = stage;
  const { state, x, units } = scene;
  const image = units.count * x.weights.length > MANY ? pixels(context, stage) : null;
  context.strokeStyle = rgba(colours.rule);
  context.lineWidth = 1;
  context.globalCompositeOperation = "destination-over";
  context.beginPath();
  for (const { mid } of layout.strips) {
    context.moveTo(layout.x0, Math.round(mid) + 0.5);
    context.lineTo(layout.x1, Math.round(mid) + 0.5);
  }
  context.stroke();
  context.globalCompositeOperation = "source-over";
  for (let b = 0; b < layout.strips.length; b++) {
    const height = Math.max(2.5, Math.min(1, x.weights[b]) * layout.slot);
    const sliver = height < SLIVER || layout.slot < 2 * SLIVER - 6;
    const dim = state.layer !== null && state.layer !== b ? 0.32 : b > Math.floor(upto) ? 0.12 : 1;
    /** @type {Set<number> | null} */
    let touched = null;
    if (scene.selected.length || state.preview !== null) {
      touched = new Set(scene.active);
      for (const r of flow.ribbons) if (r.b === b && !r.funnel) touched.add(r.from).add(r.to);
    }
    const strip = { b, height, sliver, dim, touched };
    if (image) image(strip);
    else cells(context, stage, strip);
  }
  context.globalAlpha = 1;
}

/** @typedef {{b: number, height: number, sliver: boolean, dim: number, touched: Set<number> | null}} Strip */

/** @param {Context} context @param {Stage} stage @param {Strip} strip */
function cells(context, { layout, scene, tone, hatches }, { b, height, sliver, dim, touched }) {
  const { strips, column, first, last } = layout;
  const { mid } = strips[b];
  const { picture: p } = scene;
  const gap = column > 14 ? 1 : column > 5 ? 0.5 : 0;
  for (let u = first; u < last; u++) {
    const t = p.cells[b][u] / p.tone;
    if (Math.abs(t) < FAINT) continue;
    const w = Math.max(column, 1) - 2 * gap;
    const left = layout.x(u) - w / 2;
    // Position carries the sign where hatching cannot be seen.
    const top = sliver ? (t > 0 ? mid - Math.max(3, height / 2) : mid) : mid - height / 2;
    const h = sliver ? Math.max(3, height / 2) : height;
    context.globalAlpha = 1;
    if (!sliver && Math.abs(t) > 0.05) context.clearRect(left, top, w, h);
    context.globalAlpha = dim * (touched && !touched.has(u) ? RECEDE : 1);
    context.fillStyle = tone(t);
    context.fillRect(left, top, w, h);
    if (t < 0 && !sliver) {
      context.fillStyle = hatches.cell;
      context.fillRect(left, top, w, h);
    }
  }
}

/**
 * One image with a row for each sign and block, as wide as the plot.  Where columns are narrower than a
 * pixel, the strongest of each pixel stands for its neighbours.
 * @param {Context} context @param {Stage} stage
 */
function pixels(context, { layout, scene, bytes, hatches, row }) {
  const { strips, x0, x1, column, first, last } = layout;
  const { picture: p } = scene;
  const ratio = context.canvas.width / layout.width;
  const width = Math.max(1, Math.round((x1 - x0) * ratio));
  const sheet = new ImageData(width, 2);
  if (row.width !== width) row.width = width;
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (row.getContext("2d"));
  const ink = new Uint32Array(sheet.data.buffer);
  const best = new Float32Array(width);
  return (/** @type {Strip} */ { b, height, sliver, dim, touched }) => {
    ink.fill(0);
    best.fill(0);
    for (let u = first; u < last; u++) {
      const t = p.cells[b][u] / p.tone;
      const size = Math.abs(t);
      if (size < FAINT) continue;
      const left = Math.max(0, Math.round((layout.x(u) - column / 2 - x0) * ratio));
      const right = Math.max(left + 1, Math.round((layout.x(u) + column / 2 - x0) * ratio));
      const colour = bytes(t, touched && !touched.has(u) ? RECEDE : 1);
      for (let px = left; px < right && px < width; px++) {
        if (size < best[px]) continue;
        best[px] = size;
        ink[px] = t > 0 ? colour : 0;
        ink[width + px] = t > 0 ? 0 : colour;
      }
    }
    pen.putImageData(sheet, 0, 0);
    const { mid } = strips[b];
    const h = sliver ? Math.max(3, height / 2) : height;
    const put = (/** @type {CanvasImageSource} */ source, /** @type {number} */ sign) =>
      context.drawImage(source, 0, sign > 0 ? 0 : 1, width, 1, x0, sliver ? mid - (sign > 0 ? h : 0) : mid - h / 2, x1 - x0, h);
    context.imageSmoothingEnabled = false;
    context.globalAlpha = 1;
    if (!sliver) {
      // Ribbons pass behind strong cells.
      context.globalCompositeOperation = "destination-out";
      put(row, 1);
      put(row, -1);
      context.globalCompositeOperation = "source-over";
    }
    context.globalAlpha = dim;
    put(row, 1);
    put(row, -1);
    if (sliver || column < 2) return;
    context.beginPath();
    for (let u = first; u < last; u++)
      if (p.cells[b][u] < -FAINT * p.tone) context.rect(layout.x(u) - column / 2, mid - h / 2, column, h);
    context.fillStyle = hatches.cell;
    context.fill();
  };
}
