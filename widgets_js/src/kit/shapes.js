/** What is drawn with lines: shapes and words of a figure. */
import { HIDDEN, svg } from "./dom.js";

/** @typedef {import("./dom.js").Attributes} Attributes */
/** @typedef {import("./dom.js").Child} Child */

/** An icon of lines. @param {Child[]} children */
export const icon = (...children) => svg("svg", { viewBox: "0 0 16 16", ...HIDDEN }, ...children);

/**
 * @param {string} kind @param {number} x1 @param {number} x2 @param {number} y1 @param {number} y2
 * @param {Attributes} [more]
 */
export const line = (kind, x1, x2, y1, y2, more) => svg(`line.${kind}`, { x1, x2, y1, y2, ...more });

/**
 * @param {string} kind @param {number} x @param {number} y @param {number} width @param {number} height
 * @param {Attributes} [more]
 */
export const rect = (kind, x, y, width, height, more) =>
  svg(`rect.${kind}`, { x, y, width, height, ...more });

/** @param {string} kind @param {number} x @param {number} y @param {Child[]} children */
export const svgText = (kind, x, y, ...children) => svg(`text.${kind}`, { x, y }, ...children);

/** Hatching that bars refer to: what opposes is never told by hue alone. @param {string} id */
export const hatchPattern = (id) =>
  svg(
    "defs",
    svg(
      "pattern",
      { id, width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      rect("gap", 0, 0, 1.4, 4),
    ),
  );

/** Colour of a bar. @param {number} v */
export const barClass = (v) => (v > 0 ? "sup" : "opp");

/** Colour of a word. @param {number} v */
export const stanceClass = (v) => (v < 0 ? "opposes" : "supports");
