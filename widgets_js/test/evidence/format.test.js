import assert from "node:assert/strict";
import test from "node:test";

import {
  countDigits,
  formatError,
  formatNumber,
  formatPercent,
  formatSigned,
  isolateDirection,
  isRightToLeft,
  quotePunctuation,
  shorten,
} from "../../src/evidence/format.js";
import { clamp } from "../../src/evidence/maths.js";

test("a true minus, and no sign on what rounds to zero", () => {
  assert.equal(formatNumber(-1.234), "−1.23");
  assert.equal(formatNumber(-0.001), "0.00");
  assert.deepEqual([formatSigned(0.5), formatSigned(-0.5), formatSigned(0.001)], ["+0.50", "−0.50", "0.00"]);
});

test("what is not a number is said so", () => {
  for (const f of [formatNumber, formatSigned, formatPercent, formatError]) assert.equal(f(NaN), "n/a");
});

test("decimals keep two figures of the largest value", () => {
  assert.deepEqual([3.2, 0.32, 0.032, 0.0032, 0].map(countDigits), [2, 2, 3, 4, 2]);
});

test("probabilities near the ends are printed sharper", () => {
  assert.deepEqual([0.984, 0.99996, 0.0001].map(formatPercent), ["98.4 %", "100.00 %", "0.01 %"]);
});

test("names are cut by letters, not by halves of them", () => {
  assert.equal(shorten("🙂🙂🙂🙂", 3), "🙂🙂…");
  assert.equal(shorten("abc", 3), "abc");
  assert.equal(shorten("I would not watch it₁₂", 8), "I would…₁₂");
});

test("the first letter decides the direction, and only such names are isolated", () => {
  assert.equal(isRightToLeft("12: שלום world"), true);
  assert.equal(isRightToLeft("hello שלום"), false);
  assert.equal(isRightToLeft("ሰላም"), false);
  assert.equal(isolateDirection("رائع"), "\u2068رائع\u2069");
  assert.equal(isolateDirection("good"), "good");
});

test("punctuation is quoted, words are not", () => {
  assert.deepEqual([",", "…!", "no."].map(quotePunctuation), ["“,”", "“…!”", "no."]);
});

test("clamp", () => assert.deepEqual([clamp(-1, 0, 1), clamp(0.4, 0, 1), clamp(3, 0, 1)], [0, 0.4, 1]));
