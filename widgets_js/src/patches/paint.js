/** A map on its picture, as it is painted: main picture, film and links alike. */

import { sizes } from "../evidence/design.js";
import { abs, clamp, min } from "../evidence/maths.js";
import { fillRect } from "../kit/canvas.js";
import { DENSE, EXPONENT } from "../kit/palette.js";

/** @typedef {import("../kit/canvas.js").Context} Context */
/** @typedef {import("./evidence/map.js").Grid} Grid */

/** Patches smaller than this, in px, are painted without hatching. */
const { FINE, FAINT } = sizes.patches;
/**
 * From this size of a pixel on, in px, the picture shows its pixels; smaller ones are smoothed: small
 * photographs are seen better so.
 */
const { CRISP } = sizes.patches;

/**
 * @typedef {object} Look all that maps on one sheet have in common
 * @property {Grid} grid
 * @property {OffscreenCanvas | null} under the picture, as pale as the opacity makes it
 * @property {number} opacity
 * @property {import("../kit/palette.js").Inks} ink
 */

/** Room between patches, px. @param {number} side of a patch */
export const patchGap = (side) => (side > 14 ? 1 : side > 9 ? 0.5 : 0);

/** How dense the colour of a tone is, 0 … 1. @param {number} t */
const density = (t) => min(1, abs(t) ** EXPONENT / DENSE);

/**
 * @param {Context} context empty, in px @param {Look} look
 * @param {number} width @param {number} height
 * @param {number[]} values of each unit @param {number} limit
 */
export const paintMap = (context, { grid, under, opacity, ink }, width, height, values, limit) => {
  if (under) {
    context.imageSmoothingEnabled = width / under.width < CRISP;
    context.imageSmoothingQuality = "high";
    context.drawImage(under, 0, 0, width, height);
  }
  const [w, h] = [width / grid.columns, height / grid.rows];
  const gap = patchGap(min(w, h));
  grid.patches.forEach((unit, i) => {
    const t = clamp(values[unit] / limit, -1, 1);
    if (abs(t) < FAINT) return;
    const box = /** @type {const} */ ([
      (i % grid.columns) * w + gap / 2,
      Math.floor(i / grid.columns) * h + gap / 2,
      w - gap,
      h - gap,
    ]);
    context.globalAlpha = opacity;
    fillRect(context, ink.tone(t), ...box);
    if (t > 0 || min(w, h) < FINE) return;
    // On a picture the lines would outdo a colour that is weaker than they are.
    context.globalAlpha = opacity * density(t);
    fillRect(context, ink.hatches.cell, ...box);
  });
  context.globalAlpha = 1;
};
