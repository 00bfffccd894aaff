/** Numbers and names as they are printed. */
import { fill, formats, sentences } from "./design.js";
import { abs, floor, max, min, TINY } from "./maths.js";

export const { MINUS, MISSING, DIGITS } = formats;

/** @param {number} v @param {number} [digits] */
export const formatNumber = (v, digits = DIGITS) => {
  const text = formatSigned(v, digits);
  return text[0] === "+" ? text.slice(1) : text;
};

/** With its sign; a value that rounds to zero has none. @param {number} v @param {number} [digits] */
export const formatSigned = (v, digits = DIGITS) => {
  if (!Number.isFinite(v)) return MISSING;
  const text = abs(v).toFixed(digits);
  return Number(text) === 0 ? text : (v < 0 ? MINUS : "+") + text;
};

/** @param {number} share @param {number} digits */
const inPercent = (share, digits) => fill(formats.PERCENT, { value: (share * 100).toFixed(digits) });

/** @param {number} p a probability */
export const formatPercent = (p) => {
  if (!Number.isFinite(p)) return MISSING;
  const [low, high] = formats.SHARP;
  return inPercent(p, p >= high || p < low ? formats.SHARP_DIGITS : formats.PERCENT_DIGITS);
};

/** A relative error. @param {number} e */
export const formatError = (e) => {
  if (!Number.isFinite(e)) return MISSING;
  return e >= formats.LARGE_ERROR ? formats.LARGE_ERROR_TEXT : inPercent(e, formats.PERCENT_DIGITS);
};

/** Decimals that keep two figures of the largest value. @param {number} largest */
export const countDigits = (largest) => {
  if (!(largest > TINY)) return DIGITS;
  return min(formats.MOST_DIGITS, max(DIGITS, 1 - floor(Math.log10(largest)) + 0));
};

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Does a text read from right to left?  Its first letter decides. @param {string} text */
export const isRightToLeft = (text) => RIGHT_TO_LEFT.test(/\p{L}/u.exec(text)?.[0] ?? "");

/** A name that reads from right to left must not reorder the sentence it stands in. @param {string} text */
export const isolateDirection = (text) => (RIGHT_TO_LEFT.test(text) ? formats.ISOLATE.join(text) : text);

/** Punctuation gets lost among words and figures: it is quoted. @param {string} text */
export const quotePunctuation = (text) => (/^[\p{P}\p{S}]+$/u.test(text) ? `“${text}”` : text);

/** They would turn the sentence around in which a name stands. */
const OVERRIDES = /[\u202a-\u202e\u2066\u2067]/g;

/**
 * Cut where it is longer; the small number that tells namesakes apart stays.
 * @param {string} name @param {number} length
 */
export const shorten = (name, length) => {
  const text = name.replace(OVERRIDES, "");
  const all = [...text];
  const told = /[₀-₉]{0,4}$/.exec(text);
  return isolateDirection(
    all.length > length ? `${all.slice(0, length - 1).join("")}${formats.ELLIPSIS}${told}` : text,
  );
};

/** A class or an explanation by name, wherever there is no less room. @param {string} name */
export const shortenLabel = (name) => shorten(name, formats.LABEL);

/** What a name was before it was cut, for those who point at it. @param {string} name */
export const wholeName = (name, length = formats.LABEL) => [...name].length > length && name;

/** @typedef {{weights: number[]}} Layered what has layers */

/** @param {Layered} x @param {number} b */
export const layerName = ({ weights }, b) =>
  fill(sentences.layers[b === 0 ? "embeddings" : b >= weights.length ? "output" : "layer"], { layer: b });

/** Inside a sentence. @param {Layered} x @param {number} b */
export const layerInSentence = (x, b) => layerName(x, b).toLowerCase();
