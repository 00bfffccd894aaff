/** A canvas as sharp as the screen. */
import { contextOf } from "./dom.js";

/** Device pixels per px. */
export const pixelRatio = () => Math.min(3, window.devicePixelRatio || 1);

/** @typedef {CanvasRenderingContext2D} Context */

/**
 * Emptied, of this size in px, and ready to be drawn on in px.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height
 */
export const fitCanvas = (canvas, width, height) => {
  const ratio = pixelRatio();
  const [w, h] = [width, height].map((px) => Math.round(px * ratio));
  const context = contextOf(canvas);
  // A canvas that is given a size is made anew, even of the same.
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  // Its pixels are whole, its place on the page need not be.
  context?.setTransform(w / width, 0, 0, w / width, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
};

/**
 * @param {Context} context @param {string | CanvasPattern} colour @param {number} x @param {number} y
 * @param {number} width @param {number} height
 */
export const fillRect = (context, colour, x, y, width, height) => {
  context.fillStyle = colour;
  context.fillRect(x, y, width, height);
};

/** A line through points, as x and y by turns. @param {Context} context @param {number[]} points */
export const tracePath = (context, ...points) => {
  context.beginPath();
  for (let i = 0; i < points.length; i += 2) context[i ? "lineTo" : "moveTo"](points[i], points[i + 1]);
};
