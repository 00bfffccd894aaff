/** The flow's canvas: ribbons, strips, balance. */
import { clamp } from "../lib/format.js";
import { front } from "../lib/layout.js";
import { drawStrips } from "./flow_strips.js";
import { rgba } from "./palette.js";

/** @typedef {import("../lib/ribbons.js").Flow} Flow */
/** @typedef {import("../lib/layout.js").Layout} Layout */
/** @typedef {CanvasRenderingContext2D} Context */

/**
 * @typedef {object} Scenery
 * @property {import("../lib/scene.js").Scene} scene
 * @property {Layout} layout
 * @property {Flow} flow
 * @property {number | null} focus active unit that is pointed at
 */
/** @typedef {Scenery & import("./palette.js").Inks} Stage */

const RIBBON = 0.56;
const BALANCE = 16;

/** @param {Context} context @param {Stage} stage */
export function paint(context, stage) {
  const { layout, scene, hatches } = stage;
  const ratio = context.canvas.width / layout.width;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, layout.width, layout.height);
  const upto = scene.state.play ?? layout.strips.length;
  context.save();
  // What comes from blocks not yet passed, or from words out of sight, ends at the plot's edge.
  const y = upto < layout.strips.length ? front(layout, upto) : layout.output - 1;
  const whole = layout.last - layout.first === scene.units.count;
  const [left, right] = whole ? [0, layout.width] : [layout.x0 - 6, layout.x1 + 6];
  context.beginPath();
  context.rect(left, y, right - left, layout.height - y);
  context.rect(0, 0, layout.width, layout.output - 1);
  context.clip();
  ribbons(context, stage, upto, hatches.ribbon);
  context.restore();
  drawStrips(context, stage, upto);
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

/** Values that are not numbers. @param {Context} context @param {Stage} stage */
function holes(context, { layout, scene, colours }) {
  context.strokeStyle = rgba(colours.ink);
  context.lineWidth = 1.4;
  context.beginPath();
  for (const [b, t] of scene.x.holes) {
    if (b >= layout.strips.length) continue;
    const x = layout.x(scene.units.of[t]);
    if (x < layout.x0 || x > layout.x1) continue;
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
