/** Tokens grouped into what is shown: pieces, words, sentences or passages; `units.py` is the twin.  Special tokens stay alone. */

import { quoted } from "./format.js";

/** @typedef {import("./wire.js").Explanation} Explanation */
/** @typedef {"token" | "word" | "sentence" | "passage"} Granularity */

/**
 * @typedef {object} Units
 * @property {Granularity} granularity
 * @property {number} count
 * @property {number[]} of unit of each token
 * @property {number[][]} members tokens of each unit
 * @property {string[]} names as written
 * @property {string[]} labels names, told apart by a subscript where a name repeats
 * @property {boolean[]} special
 * @property {number[]} stops units that end a sentence
 */

const DIGITS = "₀₁₂₃₄₅₆₇₈₉";
/** @param {number} n */
const subscript = (n) => [...String(n)].map((d) => DIGITS[+d]).join("");

/** Brackets say "special" where it stands among words; as a chip they are noise. @param {string} s */
export const bare = (s) => s.replace(/^[[<]\|?|\|?[\]>]$/g, "") || s;

/**
 * @param {Explanation} x
 * @param {Granularity} granularity
 * @returns {Units}
 */
export function units(x, granularity) {
  const ids = { token: null, word: x.wordIds, sentence: x.sentenceIds, passage: x.passageIds }[granularity];
  /** @type {number[][]} */
  const members = [];
  /** @type {Map<number, number>} */
  const known = new Map();
  const of = x.tokens.map((_, t) => {
    // Tokens with one number are one unit, also where a special token stands between them.
    const joins = ids && !x.special[t] && ids[t] >= 0 ? known.get(ids[t]) : undefined;
    if (joins !== undefined) {
      members[joins].push(t);
      return joins;
    }
    if (ids && !x.special[t] && ids[t] >= 0) known.set(ids[t], members.length);
    return members.push([t]) - 1;
  });
  const special = members.map((m) => x.special[m[0]]);
  const names = members.map((m, u) => {
    if (special[u] || granularity === "token") return x.tokens[m[0]];
    const from = x.offsets[m[0]][0];
    const to = x.offsets[m[m.length - 1]][1];
    return x.text.slice(from, to) || m.map((t) => x.tokens[t]).join("");
  });
  const stops = members.flatMap((m, u) => {
    const s = x.sentenceIds[m[m.length - 1]];
    const next = x.sentenceIds.slice(m[m.length - 1] + 1).find((id) => id >= 0);
    return s >= 0 && next !== undefined && next !== s ? [u] : [];
  });
  return { granularity, count: members.length, of, members, names, labels: told(names), special, stops };
}

/** Names, told apart where they repeat. @param {string[]} names */
export function told(names) {
  /** @type {Map<string, number>} */
  const total = new Map();
  for (const name of names) total.set(name, (total.get(name) ?? 0) + 1);
  /** @type {Map<string, number>} */
  const seen = new Map();
  return names.map((name) => {
    if (total.get(name) === 1) return quoted(name);
    const n = (seen.get(name) ?? 0) + 1;
    seen.set(name, n);
    return quoted(name) + subscript(n);
  });
}

/**
 * Sums over the tokens of each unit.
 * @param {Units} units @param {ArrayLike<number>} values
 */
export function sums({ of, count }, values) {
  /** @type {number[]} */
  const sums = Array(count).fill(0);
  for (let t = 0; t < of.length; t++) sums[of[t]] += values[t];
  return sums;
}
