/** The flow's canvas: ribbons, strips, balance. */
import { clamp } from "../lib/format.js";
import { front } from "../lib/layout.js";
import { hatching, rgba, tones } from "./palette.js";

/** @typedef {import("../lib/ribbons.js").Flow} Flow */
/** @typedef {import("../lib/layout.js").Layout} Layout */
/** @typedef {CanvasRenderingContext2D} Context */

/**
 * @typedef {object} Stage
 * @property {import("../lib/scene.js").Scene} scene
 * @property {Layout} layout
 * @property {Flow} flow
 * @property {import("./palette.js").Palette} colours
 * @property {number | null} focus active unit that is pointed at
 */

const RIBBON = 0.56;
/** Cells below this share of the deepest tone are left out. */
const FAINT = 0.015;
/** Strips lower than this cannot show hatching: support stands above their line, opposition below. */
const SLIVER = 8;
const BALANCE = 16;

/** @param {Context} context @param {Stage} stage */
export function paint(context, stage) {
  const { layout, colours, scene } = stage;
  const ratio = context.canvas.width / layout.width;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, layout.width, layout.height);
  const hatches = {
    ribbon: hatching(context, rgba(colours["opp-deep"], 0.42), 1.1, ratio),
    cell: hatching(context, rgba(colours.surface, 0.5), 1.3, ratio),
  };
  const upto = scene.state.play ?? layout.strips.length;
  context.save();
  if (upto < layout.strips.length) {
    const y = front(layout, upto);
    context.beginPath();
    context.rect(0, y, layout.width, layout.height - y);
    context.clip();
  }
  ribbons(context, stage, upto, hatches.ribbon);
  context.restore();
  const tone = tones(colours);
  for (let b = 0; b < layout.strips.length; b++) strip(context, stage, b, upto, hatches.cell, tone);
  holes(context, stage);
  balance(context, stage, upto, hatches.cell);
  context.globalAlpha = 1;
}

/** @param {Context} context @param {Stage} stage @param {number} upto @param {string | CanvasPattern} hatch */
function ribbons(context, { flow, layout, scene, colours, focus }, upto, hatch) {
  const { layer } = scene.state;
  const done = upto >= layout.strips.length;
  const widest = flow.ribbons.toSorted((a, b) => b.low[1] - b.low[0] - (a.low[1] - a.low[0]));
  for (const r of widest) {
    if (r.funnel && !done) continue;
    const fade = (layer !== null && r.b !== layer ? 0.3 : 1) * (focus !== null && r.unit !== focus ? 0.25 : 1);
    const width = Math.max(r.low[1] - r.low[0], r.high[1] - r.high[0]);
    const pad = Math.max(0, (0.9 - width) / 2);
    const bend = (r.yLow - r.yHigh) / 2;
    context.beginPath();
    context.moveTo(r.low[0] - pad, r.yLow);
    context.bezierCurveTo(r.low[0] - pad, r.yLow - bend, r.high[0] - pad, r.yHigh + bend, r.high[0] - pad, r.yHigh);
    context.lineTo(r.high[1] + pad, r.yHigh);
    context.bezierCurveTo(r.high[1] + pad, r.yHigh + bend, r.low[1] + pad, r.yLow - bend, r.low[1] + pad, r.yLow);
    context.closePath();
    context.globalAlpha = fade;
    context.fillStyle = rgba(colours[r.sign > 0 ? "sup" : "opp"], RIBBON);
    context.fill();
    if (r.sign < 0 && width > 2.5) {
      context.fillStyle = hatch;
      context.fill();
    }
  }
  context.globalAlpha = 1;
}

/**
 * @param {Context} context @param {Stage} stage @param {number} b @param {number} upto
 * @param {string | CanvasPattern} hatch @param {(t: number) => string} tone
 */
function strip(context, { layout, scene, flow, colours }, b, upto, hatch, tone) {
  const { strips, slot, x0, x1, column } = layout;
  const { mid } = strips[b];
  const { picture: p, state, x, units } = scene;
  const height = Math.max(2.5, Math.min(1, x.weights[b]) * slot);
  const sliver = height < SLIVER || slot < 2 * SLIVER - 6;
  const dim = state.layer !== null && state.layer !== b ? 0.32 : b > Math.floor(upto) ? 0.12 : 1;

  context.globalAlpha = 1;
  context.strokeStyle = rgba(colours.rule);
  context.lineWidth = 1;
  context.globalCompositeOperation = "destination-over";
  context.beginPath();
  context.moveTo(x0, Math.round(mid) + 0.5);
  context.lineTo(x1, Math.round(mid) + 0.5);
  context.stroke();
  context.globalCompositeOperation = "source-over";

  /** Words that the drawn ribbons touch; the others recede. @type {Set<number> | null} */
  let touched = null;
  if (scene.selected.length || state.preview !== null) {
    touched = new Set(scene.active);
    for (const r of flow.ribbons) if (r.b === b && !r.funnel) touched.add(r.from).add(r.to);
  }
  const gap = column > 14 ? 1 : column > 5 ? 0.5 : 0;
  for (const u of visible(p.cells[b], layout, units.count)) {
    const t = p.cells[b][u] / p.tone;
    if (Math.abs(t) < FAINT) continue;
    const w = Math.max(column, 1) - 2 * gap;
    const left = layout.x(u) - w / 2;
    // Position carries the sign where hatching cannot be seen.
    const top = sliver ? (t > 0 ? mid - Math.max(3, height / 2) : mid) : mid - height / 2;
    const h = sliver ? Math.max(3, height / 2) : height;
    context.globalAlpha = 1;
    if (!sliver && Math.abs(t) > 0.05) context.clearRect(left, top, w, h);
    context.globalAlpha = dim * (touched && !touched.has(u) ? 0.42 : 1);
    context.fillStyle = tone(t);
    context.fillRect(left, top, w, h);
    if (t < 0 && !sliver) {
      context.fillStyle = hatch;
      context.fillRect(left, top, w, h);
    }
  }
  context.globalAlpha = 1;
}

/**
 * Where columns are narrower than a pixel, the strongest of each pixel stands for its neighbours.
 * @param {number[]} row @param {Layout} layout @param {number} count
 */
function visible(row, layout, count) {
  if (layout.column >= 1) return Array(count).keys();
  /** @type {Map<number, number>} */
  const best = new Map();
  for (let u = 0; u < count; u++) {
    const px = Math.round(layout.x(u));
    const known = best.get(px);
    if (known === undefined || Math.abs(row[u]) > Math.abs(row[known])) best.set(px, u);
  }
  return best.values();
}

/** Values that are not numbers. @param {Context} context @param {Stage} stage */
function holes(context, { layout, scene, colours }) {
  context.strokeStyle = rgba(colours.ink);
  context.lineWidth = 1.4;
  context.beginPath();
  for (const [b, t] of scene.x.holes) {
    if (b >= layout.strips.length) continue;
    const x = layout.x(scene.units.of[t]);
    const y = layout.strips[b].mid;
    context.moveTo(x - 4, y - 4);
    context.lineTo(x + 4, y + 4);
    context.moveTo(x + 4, y - 4);
    context.lineTo(x - 4, y + 4);
  }
  context.stroke();
}

/** Evidence that has entered when `upto` blocks are passed. @param {number[]} entering @param {number} upto */
export const passed = (entering, upto) => entering.reduce((a, v, b) => a + v * clamp(upto - b, 0, 1), 0);

/** @param {Context} context @param {Stage} stage @param {number} upto @param {string | CanvasPattern} hatch */
function balance(context, { flow, layout, scene, colours }, upto, hatch) {
  const { entering } = scene.picture;
  const { zero, y, scale, segments, lensY, magnification } = flow;
  const done = upto >= layout.strips.length;
  /** @param {number} from @param {number} to @param {1 | -1} sign @param {number} alpha */
  const bar = (from, to, sign, alpha) => {
    context.globalAlpha = 1;
    context.fillStyle = rgba(colours[sign > 0 ? "sup" : "opp"], alpha);
    context.fillRect(from, y, to - from, BALANCE);
    if (sign > 0) return;
    context.globalAlpha = Math.min(1, alpha * 1.2);
    context.fillStyle = hatch;
    context.fillRect(from, y, to - from, BALANCE);
    context.globalAlpha = 1;
  };
  bar(zero - passed(entering.opposing, upto) * scale, zero, -1, 0.3);
  bar(zero, zero + passed(entering.supporting, upto) * scale, 1, 0.3);
  if (!done || !flow.ribbons.length) return;
  for (const { bar: own, sign, lens } of segments) {
    const width = Math.max(0.8, own[1] - own[0] - 0.8);
    const left = sign > 0 ? own[0] : own[1] - width;
    context.clearRect(left, y, width, BALANCE);
    bar(left, left + width, sign, 0.95);
    if (magnification <= 1.04) continue;
    const colour = colours[sign > 0 ? "sup" : "opp"];
    context.fillStyle = rgba(colour, 0.16);
    context.beginPath();
    context.moveTo(own[0], y + BALANCE);
    context.lineTo(own[1], y + BALANCE);
    context.lineTo(lens[1], lensY - 1);
    context.lineTo(lens[0], lensY - 1);
    context.fill();
    context.fillStyle = rgba(colour);
    context.fillRect(lens[0], lensY - 2, Math.max(0.8, lens[1] - lens[0]), 2);
  }
}
