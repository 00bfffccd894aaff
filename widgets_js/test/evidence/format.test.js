import assert from "node:assert/strict";
import test from "node:test";

import {
  digits,
  error,
  isolated,
  number,
  percent,
  quoted,
  rightToLeft,
  short,
  signed,
} from "../../src/evidence/format.js";
import { clamp } from "../../src/evidence/maths.js";

test("a true minus, and no sign on what rounds to zero", () => {
  assert.equal(number(-1.234), "−1.23");
  assert.equal(number(-0.001), "0.00");
  assert.deepEqual([signed(0.5), signed(-0.5), signed(0.001)], ["+0.50", "−0.50", "0.00"]);
});

test("what is not a number is said so", () => {
  for (const f of [number, signed, percent, error]) assert.equal(f(NaN), "n/a");
});

test("decimals keep two figures of the largest value", () => {
  assert.deepEqual([3.2, 0.32, 0.032, 0.0032, 0].map(digits), [2, 2, 3, 4, 2]);
});

test("probabilities near the ends are printed sharper", () => {
  assert.deepEqual([0.984, 0.99996, 0.0001].map(percent), ["98.4 %", "100.00 %", "0.01 %"]);
});

test("names are cut by letters, not by halves of them", () => {
  assert.equal(short("🙂🙂🙂🙂", 3), "🙂🙂…");
  assert.equal(short("abc", 3), "abc");
  assert.equal(short("I would not watch it₁₂", 8), "I would…₁₂");
});

test("the first letter decides the direction, and only such names are isolated", () => {
  assert.equal(rightToLeft("12: שלום world"), true);
  assert.equal(rightToLeft("hello שלום"), false);
  assert.equal(rightToLeft("ሰላም"), false);
  assert.equal(isolated("رائع"), "\u2068رائع\u2069");
  assert.equal(isolated("good"), "good");
});

test("punctuation is quoted, words are not", () => {
  assert.deepEqual([",", "…!", "no."].map(quoted), ["“,”", "“…!”", "no."]);
});

test("clamp", () => assert.deepEqual([clamp(-1, 0, 1), clamp(0.4, 0, 1), clamp(3, 0, 1)], [0, 0.4, 1]));
