/** Numbers and names as they are printed. */
import { abs, floor, max, min, TINY } from "./maths.js";

export const MINUS = "\u2212";

/** @param {number} v @param {number} [digits] */
export const formatNumber = (v, digits = 2) => {
  const text = formatSigned(v, digits);
  return text[0] === "+" ? text.slice(1) : text;
};

/** With its sign; a value that rounds to zero has none. @param {number} v @param {number} [digits] */
export const formatSigned = (v, digits = 2) => {
  if (!Number.isFinite(v)) return "n/a";
  const text = abs(v).toFixed(digits);
  return Number(text) === 0 ? text : (v < 0 ? MINUS : "+") + text;
};

/** @param {number} p a probability */
export const formatPercent = (p) => {
  if (!Number.isFinite(p)) return "n/a";
  const sharp = p >= 0.9995 || p < 0.0005;
  return `${(p * 100).toFixed(sharp ? 2 : 1)} %`;
};

/** A relative error. @param {number} e */
export const formatError = (e) => {
  if (!Number.isFinite(e)) return "n/a";
  return e >= 10 ? "> 1000 %" : `${(e * 100).toFixed(1)} %`;
};

/** Decimals that keep two figures of the largest value. @param {number} largest */
export const countDigits = (largest) => {
  if (!(largest > TINY)) return 2;
  return min(6, max(2, 1 - floor(Math.log10(largest)) + 0));
};

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Does a text read from right to left?  Its first letter decides. @param {string} text */
export const isRightToLeft = (text) => RIGHT_TO_LEFT.test(/\p{L}/u.exec(text)?.[0] ?? "");

/** A name that reads from right to left must not reorder the sentence it stands in. @param {string} text */
export const isolateDirection = (text) => (RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text);

/** Punctuation gets lost among words and figures: it is quoted. @param {string} text */
export const quotePunctuation = (text) => (/^[\p{P}\p{S}]+$/u.test(text) ? `“${text}”` : text);

/**
 * Cut where it is longer; the small number that tells namesakes apart stays.
 * @param {string} text @param {number} length
 */
export const shorten = (text, length) => {
  const all = [...text];
  const told = /[₀-₉]*$/.exec(text);
  return isolateDirection(all.length > length ? `${all.slice(0, length - 1).join("")}…${told}` : text);
};

/** @typedef {{weights: number[]}} Layered what has layers */

/** @param {Layered} x @param {number} b */
export const layerName = ({ weights }, b) =>
  b === 0 ? "Embeddings" : b >= weights.length ? "Output" : `Layer ${b}`;

/** Inside a sentence. @param {Layered} x @param {number} b */
export const layerInSentence = (x, b) => layerName(x, b).toLowerCase();
