/** What part of a long text is in sight, and in which grain.  A span is its first and last token. */
import { sizes } from "./design.js";
import { abs, max, min, round, signOf } from "./maths.js";

/** @typedef {import("./units.js").Units} Units */
/** @typedef {import("./units.js").Granularity} Granularity */
/** @typedef {[number, number] | null} Span null: the whole text */

/** From this number of tokens on a text has a map. */
export const { LONG } = sizes.minimap;
/** No span is shorter, in tokens. */
const LEAST = 12;
/** From coarse to fine. @type {Granularity[]} */
export const GRAINS = ["passage", "sentence", "word", "token"];

/**
 * Keep a span inside the text; one that holds all of it is none.
 * @param {number} from @param {number} to @param {number} T @returns {Span}
 */
export const clampSpan = (from, to, T) => {
  const length = min(T, max(LEAST, round(to - from) + 1));
  const first = min(T - length, max(0, round(from)));
  return length >= T ? null : [first, first + length - 1];
};

/** Units in sight: those with a token in the span. @param {Units} units @param {Span} span */
export const unitsInSight = ({ members, count }, span) => {
  if (!span) return { first: 0, last: count };
  const first = members.findIndex((m) => m[m.length - 1] >= span[0]);
  const last = members.findLastIndex((m) => m[0] <= span[1]) + 1;
  return first < 0 || last <= first ? { first: 0, last: count } : { first, last };
};

/**
 * One step nearer: a finer grain, and of it what was pointed at; at the finest grain half as much.
 * @param {{span: Span, granularity: Granularity}} now
 * @param {number} T
 * @param {number[]} at tokens of the unit that is zoomed to
 */
export const zoomIn = ({ span, granularity }, T, at) => {
  const fine = GRAINS.indexOf(granularity) >= GRAINS.indexOf("word");
  const [from, to] = span ?? [0, T - 1];
  const middle = (at[0] + at[at.length - 1]) / 2;
  const half = max(fine ? (to - from) / 4 : (at[at.length - 1] - at[0]) * 0.75, LEAST / 2);
  return {
    span: clampSpan(middle - half, middle + half, T),
    granularity: fine ? granularity : GRAINS[GRAINS.indexOf(granularity) + 1],
  };
};

/**
 * One step back: twice as much, and of the whole text a coarser grain.
 * @param {{span: Span, granularity: Granularity}} now @param {number} T
 */
export const zoomOut = ({ span, granularity }, T) => {
  if (!span) return { span, granularity: GRAINS[max(0, GRAINS.indexOf(granularity) - 1)] };
  const half = (span[1] - span[0] + 1) / 2;
  return { span: clampSpan(span[0] - half, span[1] + half, T), granularity };
};

/** Moved by so many of its own lengths. @param {Span} span @param {number} lengths @param {number} T */
export const shiftSpan = (span, lengths, T) => {
  if (!span) return span;
  const by = signOf(lengths) * max(1, abs(round(lengths * (span[1] - span[0] + 1))));
  return clampSpan(span[0] + by, span[1] + by, T);
};
