/**
 * The strips of the flow: a cell for each word and block, as rectangles or, where there are too many, as
 * pixels.
 */
import { sizes } from "../../evidence/design.js";
import { abs, floor, max, min, round } from "../../evidence/maths.js";
import { fillRect, tracePath } from "../../kit/canvas.js";
import { contextOf } from "../../kit/dom.js";
import { cssColour } from "../../kit/palette.js";

/** @typedef {import("../../geometry/flow_layout.js").Layout} Layout */
/** @typedef {import("./paint.js").Stage} Stage */
/** @typedef {CanvasRenderingContext2D} Context */

/** Cells below this share of the deepest tone are left out. */
const { FAINT, FLAT } = sizes.flow;
/** Strips lower than this cannot show hatching: support stands above their line, opposition below. */
const { SLIVER } = sizes.flow;
/** From this number of cells on they are written into an image, a column of pixels each. */
const MANY = 3000;
/** Words that the drawn ribbons do not touch recede. */
const { RECEDE } = sizes.flow;

/** @param {Context} context @param {Stage} stage @param {number} upto blocks passed */
export const drawStrips = (context, stage, upto) => {
  const { scene, flow, layout, colours } = stage;
  const { state, x, units } = scene;
  const put = units.count * x.weights.length > MANY ? pixels(context, stage) : cells(context, stage);
  context.strokeStyle = cssColour(colours.rule);
  context.lineWidth = 1;
  composed(context, "destination-over", () => {
    for (const { mid } of layout.strips) {
      tracePath(context, layout.x0, round(mid) + 0.5, layout.x1, round(mid) + 0.5);
      context.stroke();
    }
  });
  layout.strips.forEach(({ mid }, b) => {
    const tall = max(2.5, min(1, x.weights[b]) * layout.slot);
    const sliver = tall < SLIVER || layout.slot < 2 * SLIVER - 6;
    // Position carries the sign where hatching cannot be seen.
    const height = sliver ? max(3, tall / 2) : tall;
    const dim = state.layer !== null && state.layer !== b ? 0.32 : b > floor(upto) ? 0.12 : 1;
    /** @type {Set<number> | null} */
    let touched = null;
    if (scene.selected.length || state.preview !== null) {
      touched = new Set(scene.active);
      for (const r of flow.ribbons) if (r.b === b && !r.funnel) touched.add(r.from).add(r.to);
    }
    put({
      values: scene.unitEvidence.cells[b].map((v) => v / scene.unitEvidence.tone),
      top: (sign) => (sliver ? mid - (sign > 0 ? height : 0) : mid - height / 2),
      height,
      sliver,
      dim,
      shade: (u) => (touched && !touched.has(u) ? RECEDE : 1),
    });
  });
  context.globalAlpha = 1;
};

/** @param {Context} context @param {GlobalCompositeOperation} mode @param {() => void} draw */
const composed = (context, mode, draw) => {
  context.globalCompositeOperation = mode;
  draw();
  context.globalCompositeOperation = "source-over";
};

/**
 * @typedef {object} Strip
 * @property {number[]} values tone of each unit
 * @property {(sign: number) => number} top
 * @property {number} height
 * @property {boolean} sliver
 * @property {number} dim
 * @property {(unit: number) => number} shade
 */

/** @param {Context} context @param {Stage} stage */
const cells = (context, { layout, tone, hatches }) => {
  const { column, first, last, x } = layout;
  const gap = column > 14 ? 1 : column > 5 ? 0.5 : 0;
  const w = max(column, 1) - 2 * gap;
  return (/** @type {Strip} */ { values, top, height, sliver, dim, shade }) => {
    for (let u = first; u < last; u++) {
      const t = values[u];
      if (abs(t) < FAINT) continue;
      const box = /** @type {const} */ ([x(u) - w / 2, top(t), w, height]);
      if (!sliver && abs(t) > FLAT) context.clearRect(...box);
      context.globalAlpha = dim * shade(u);
      fillRect(context, tone(t), ...box);
      if (t < 0 && !sliver) fillRect(context, hatches.cell, ...box);
    }
  };
};

/**
 * One image with a row for each sign and block, as wide as the plot.  Where columns are narrower than a
 * pixel, the strongest of each pixel stands for its neighbours.
 * @param {Context} context @param {Stage} stage
 */
const pixels = (context, { layout, bytes, hatches, row }) => {
  const { x0, x1, column, first, last, x } = layout;
  const ratio = context.canvas.width / layout.width;
  const width = max(1, round((x1 - x0) * ratio));
  const sheet = new ImageData(width, 2);
  if (row.width !== width) row.width = width;
  const pen = /** @type {CanvasRenderingContext2D} */ (contextOf(row));
  const ink = new Uint32Array(sheet.data.buffer);
  const best = new Float32Array(width);
  return (/** @type {Strip} */ { values, top, height, sliver, dim, shade }) => {
    ink.fill(0);
    best.fill(0);
    for (let u = first; u < last; u++) {
      const t = values[u];
      const size = abs(t);
      if (size < FAINT) continue;
      const left = max(0, round((x(u) - column / 2 - x0) * ratio));
      const right = max(left + 1, round((x(u) + column / 2 - x0) * ratio));
      const colour = bytes(t, shade(u));
      for (let px = left; px < right && px < width; px++) {
        if (size < best[px]) continue;
        best[px] = size;
        ink[px] = t > 0 ? colour : 0;
        ink[width + px] = t > 0 ? 0 : colour;
      }
    }
    pen.putImageData(sheet, 0, 0);
    const draw = () => {
      for (const [n, sign] of [1, -1].entries())
        context.drawImage(row, 0, n, width, 1, x0, top(sign), x1 - x0, height);
    };
    context.imageSmoothingEnabled = false;
    context.globalAlpha = 1;
    // Ribbons pass behind strong cells.
    if (!sliver) composed(context, "destination-out", draw);
    context.globalAlpha = dim;
    draw();
    if (sliver || column < 2) return;
    context.beginPath();
    for (let u = first; u < last; u++)
      if (values[u] < -FAINT) context.rect(x(u) - column / 2, top(-1), column, height);
    context.fillStyle = hatches.cell;
    context.fill();
  };
};
