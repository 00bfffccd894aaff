/** The flow's canvas: ribbons, strips, balance. */

import { sizes } from "../../evidence/design.js";
import { clamp, max } from "../../evidence/maths.js";
import { frontLevel } from "../../geometry/flow_layout.js";
import { fillRect, tracePath } from "../../kit/canvas.js";
import { cssColour } from "../../kit/palette.js";
import { barClass } from "../../kit/shapes.js";
import { drawStrips } from "./strips.js";

/** @typedef {import("../../geometry/ribbons.js").Flow} Flow */
/** @typedef {import("../../geometry/flow_layout.js").Layout} Layout */
/** @typedef {CanvasRenderingContext2D} Context */

/**
 * @typedef {object} Scenery
 * @property {import("../../evidence/scene.js").Scene} scene
 * @property {Layout} layout
 * @property {Flow} flow
 * @property {number | null} focus active unit that is pointed at
 */
/** @typedef {Scenery & import("../../kit/palette.js").Inks} Stage */

const { OPACITY: RIBBON } = sizes.ribbons;
const { BALANCE } = sizes.decision;

/** @param {Context} context @param {Stage} stage */
export const paintFlow = (context, stage) => {
  const { layout, scene } = stage;
  const { output, width, height, x0, x1 } = layout;
  const upto = scene.state.play ?? layout.strips.length;
  context.save();
  // What comes from blocks not yet passed, or from words out of sight, ends at the plot's edge.
  const y = upto < layout.strips.length ? frontLevel(layout, upto) : output - 1;
  const whole = layout.last - layout.first === scene.units.count;
  const [left, across] = whole ? [0, width] : [x0 - 6, x1 - x0 + 12];
  context.beginPath();
  context.rect(left, y, across, height);
  context.rect(left, 0, across, output - 1);
  context.clip();
  ribbons(context, stage, upto);
  context.restore();
  drawStrips(context, stage, upto);
  holes(context, stage);
  balance(context, stage, upto);
};

/** @param {Context} context @param {Stage} stage @param {number} upto */
const ribbons = (context, { flow, layout, scene, colours, focus, hatches }, upto) => {
  const { layer } = scene.state;
  const widest = flow.ribbons.toSorted((a, b) => b.low[1] - b.low[0] - (a.low[1] - a.low[0]));
  for (const { funnel, b, unit, sign, low, high, yLow, yHigh } of widest) {
    if (funnel && upto < layout.strips.length) continue;
    const width = max(low[1] - low[0], high[1] - high[0]);
    const pad = max(0, (0.9 - width) / 2);
    const bend = (yLow - yHigh) / 2;
    tracePath(context, low[0] - pad, yLow);
    context.bezierCurveTo(low[0] - pad, yLow - bend, high[0] - pad, yHigh + bend, high[0] - pad, yHigh);
    context.lineTo(high[1] + pad, yHigh);
    context.bezierCurveTo(high[1] + pad, yHigh + bend, low[1] + pad, yLow - bend, low[1] + pad, yLow);
    context.globalAlpha =
      (layer !== null && b !== layer ? 0.3 : 1) * (focus !== null && unit !== focus ? 0.25 : 1);
    context.fillStyle = cssColour(colours[barClass(sign)], RIBBON);
    context.fill();
    if (sign < 0 && width > 2.5) {
      context.fillStyle = hatches.ribbon;
      context.fill();
    }
  }
};

/** Values that are not numbers. @param {Context} context @param {Stage} stage */
const holes = (context, { layout, scene, colours }) => {
  context.strokeStyle = cssColour(colours.ink);
  context.lineWidth = 1.4;
  for (const [b, , k] of scene.x.gaps) {
    const x = layout.x(scene.units.of[k]);
    const y = layout.strips[b]?.mid;
    if (y === undefined || x < layout.x0 || x > layout.x1) continue;
    for (const s of [-4, 4]) {
      tracePath(context, x - 4, y - s, x + 4, y + s);
      context.stroke();
    }
  }
};

/**
 * Evidence that has entered when `upto` blocks are passed.
 * @param {number[]} entering @param {number} upto
 */
export const sumPassed = (entering, upto) => entering.reduce((a, v, b) => a + v * clamp(upto - b, 0, 1), 0);

/** @param {Context} context @param {Stage} stage @param {number} upto */
const balance = (context, { flow, layout, scene, colours, hatches }, upto) => {
  const { entering } = scene.unitEvidence;
  const { zero, y, scale, segments, lensY, magnified } = flow;
  /** @param {number} from @param {number} width @param {number} sign @param {number} alpha */
  const bar = (from, width, sign, alpha) => {
    fillRect(context, cssColour(colours[barClass(sign)], alpha), from, y, width, BALANCE);
    if (sign > 0) return;
    context.globalAlpha = clamp(alpha * 1.2, 0, 1);
    fillRect(context, hatches.cell, from, y, width, BALANCE);
    context.globalAlpha = 1;
  };
  const left = sumPassed(entering.opposing, upto) * scale;
  bar(zero - left, left, -1, 0.3);
  bar(zero, sumPassed(entering.supporting, upto) * scale, 1, 0.3);
  if (upto < layout.strips.length || !flow.ribbons.length) return;
  for (const { bar: own, sign, lens } of segments) {
    const width = max(0.8, own[1] - own[0] - 0.8);
    const left = sign > 0 ? own[0] : own[1] - width;
    context.clearRect(left, y, width, BALANCE);
    bar(left, width, sign, 0.95);
    if (!magnified) continue;
    const colour = colours[barClass(sign)];
    context.fillStyle = cssColour(colour, 0.16);
    tracePath(context, own[0], y + BALANCE, own[1], y + BALANCE, lens[1], lensY - 1, lens[0], lensY - 1);
    context.fill();
    fillRect(context, cssColour(colour), lens[0], lensY - 2, max(0.8, lens[1] - lens[0]), 2);
  }
};
