/**
 * Which class is explained against which, and what of it can be answered without Python.
 */
import { sentences } from "./design.js";
import { shortenLabel } from "./format.js";

/** @typedef {import("./wire.js").Explanation} Explanation */
/** @typedef {{target: number, contrast: number | null}} Question */

/** @param {Question} a @param {Question} b */
export const isSameQuestion = (a, b) =>
  a.target === b.target && (a.contrast ?? null) === (b.contrast ?? null);

/**
 * The question whose answer has all signs flipped, if there is one.
 * @param {Explanation} x @returns {Question | null}
 */
export const mirrorQuestion = (x) => {
  if (!x.antisymmetric) return null;
  if (x.contrast !== null) return { target: x.contrast, contrast: x.target };
  return x.labels.length === 2 ? { target: 1 - x.target, contrast: null } : null;
};

/**
 * What the explanation says about a question: 1 answers it, −1 answers it mirrored, 0 does not.
 * @param {Explanation} x @param {Question} question
 * @returns {1 | -1 | 0}
 */
export const answerSign = (x, question) => {
  if (isSameQuestion(x, question)) return 1;
  const mirror = mirrorQuestion(x);
  return mirror && isSameQuestion(mirror, question) ? -1 : 0;
};

/**
 * Another class is picked: a contrast with itself becomes a contrast with the former class.
 * @param {Question} question @param {number} target @returns {Question}
 */
export const turnQuestion = (question, target) => {
  const { contrast } = question;
  return { target, contrast: contrast === target ? question.target : contrast };
};

/** @param {Explanation} x @param {Question} question */
export const isReachable = (x, question) => x.live || answerSign(x, question) !== 0;

/** What stands against the target when no class is named. @param {Explanation} x @param {number} target */
export const restName = (x, target) => {
  if (x.classes !== "exclusive") return sentences.question[x.classes];
  const named = x.labels.length === 2 && (x.output === "margin" || x.output === "log_odds");
  if (named) return shortenLabel(x.labels[1 - target]);
  return sentences.question[x.output === "margin" ? "others" : "any"];
};
