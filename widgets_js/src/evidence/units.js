/**
 * Tokens grouped into what is shown: pieces, words, sentences or passages; `explanation/units.py` is the
 * twin. Special tokens stay alone.
 */

import { formats } from "./design.js";
import { quotePunctuation } from "./format.js";

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

/** @param {number} n */
const subscript = (n) => [...String(n)].map((d) => formats.SUBSCRIPTS[+d]).join("");

/** Brackets say "special" where it stands among words; as a chip they are noise. @param {string} s */
export const stripBrackets = (s) => s.replace(/^[[<]\|?|\|?[\]>]$/g, "") || s;

/**
 * @param {Explanation} x
 * @param {Granularity} granularity
 * @returns {Units}
 */
export const groupUnits = (x, granularity) => {
  const ids = { token: null, word: x.wordIds, sentence: x.sentenceIds, passage: x.passageIds }[granularity];
  /** @type {number[][]} */
  const members = [];
  /** @type {number[]} */
  const known = [];
  const of = x.tokens.map((_, t) => {
    // Tokens with one number are one unit, also where a special token stands between them.
    const id = !ids || x.special[t] ? -1 : ids[t];
    if (!(id in known)) {
      const u = members.push([t]) - 1;
      if (id >= 0) known[id] = u;
      return u;
    }
    members[known[id]].push(t);
    return known[id];
  });
  const special = members.map((m) => x.special[m[0]]);
  const names = members.map((m, u) => {
    if (special[u] || granularity === "token") return x.tokens[m[0]];
    return (
      x.text.slice(x.offsets[m[0]][0], x.offsets[m[m.length - 1]][1]) || m.map((t) => x.tokens[t]).join("")
    );
  });
  const stops = members.flatMap((m, u) => {
    const [s, ...later] = x.sentenceIds.slice(m[m.length - 1]);
    const next = later.find((id) => id >= 0) ?? s;
    return s >= 0 && next !== s ? [u] : [];
  });
  return {
    granularity,
    count: members.length,
    of,
    members,
    names,
    labels: distinctLabels(names),
    special,
    stops,
  };
};

/** Names, told apart where they repeat. @param {string[]} names */
export const distinctLabels = (names) => {
  /** @type {Map<string, number[]>} */
  const places = new Map();
  for (const [u, name] of names.entries()) places.set(name, [...(places.get(name) ?? []), u]);
  return names.map((name, u) => {
    const all = places.get(name) ?? [];
    return quotePunctuation(name) + (all.length > 1 ? subscript(all.indexOf(u) + 1) : "");
  });
};

/**
 * Sums over the tokens of each unit.
 * @param {Units} units @param {ArrayLike<number>} values
 */
export const sumByUnit = ({ of, count }, values) => {
  /** @type {number[]} */
  const sums = Array(count).fill(0);
  for (let t = 0; t < of.length; t++) sums[of[t]] += values[t];
  return sums;
};
