import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { groupUnits, stripBrackets, sumByUnit } from "../../src/evidence/units.js";

const text = "Not good. It is not unbelievably good!";
const x = {
  text,
  tokens: ["[CLS]", "Not", "good", ".", "It", "is", "not", "unbeliev", "ably", "good", "!", "[SEP]"],
  special: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1].map(Boolean),
  offsets: [
    [0, 0],
    [0, 3],
    [4, 8],
    [8, 9],
    [10, 12],
    [13, 15],
    [16, 19],
    [20, 28],
    [28, 32],
    [33, 37],
    [37, 38],
    [0, 0],
  ],
  wordIds: [-1, 0, 1, 2, 3, 4, 5, 6, 6, 7, 8, -1],
  sentenceIds: [-1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, -1],
};

test("pieces of one word become one unit with the word as written", () => {
  const u = groupUnits(x, "word");
  assert.equal(u.count, 11);
  assert.deepEqual(u.members[7], [7, 8]);
  assert.equal(u.names[7], "unbelievably");
});

test("a sentence keeps its spaces and marks, special tokens stay alone", () => {
  const u = groupUnits(x, "sentence");
  assert.deepEqual(u.names, ["[CLS]", "Not good.", "It is not unbelievably good!", "[SEP]"]);
  assert.deepEqual(u.special, [true, false, false, true]);
});

test("a repeated word is told apart by a subscript, punctuation is quoted", () => {
  const { labels } = groupUnits(x, "word");
  assert.deepEqual([labels[2], labels[8]], ["good₁", "good₂"]);
  assert.equal(labels[3], "“.”");
});

test("sentence ends are units, whatever the granularity", () => {
  assert.deepEqual(groupUnits(x, "word").stops, [3]);
  assert.deepEqual(groupUnits(x, "sentence").stops, [1]);
});

test("sums over units keep the total", () => {
  const values = x.tokens.map((_, t) => t + 0.5);
  const total = (v) => v.reduce((a, b) => a + b, 0);
  for (const granularity of ["token", "word", "sentence"])
    assert.equal(total(sumByUnit(groupUnits(x, granularity), values)), total(values));
});

test("a text without offsets is named by its tokens", () => {
  const blind = { ...x, text: "", offsets: x.tokens.map(() => [0, 0]) };
  assert.equal(groupUnits(blind, "word").names[7], "unbelievably");
});

test("chips drop the brackets but never the whole name", () => {
  assert.deepEqual(["[CLS]", "</s>", "<|endoftext|>", "[]"].map(stripBrackets), [
    "CLS",
    "/s",
    "endoftext",
    "[]",
  ]);
});

const vectors = JSON.parse(readFileSync(new URL("../../../tests/data/units.json", import.meta.url), "utf8"));
for (const v of vectors)
  test(`units and sums are those of Python: ${v.text.slice(0, 5)}, ${v.granularity}`, () => {
    const named = {
      ...v,
      special: v.special.map(Boolean),
      wordIds: v.word_ids,
      sentenceIds: v.sentence_ids,
      passageIds: v.passage_ids,
    };
    const u = groupUnits(named, v.granularity);
    assert.deepEqual(u.members, v.members);
    if (v.names) assert.deepEqual(u.names, v.names);
    for (const [i, sum] of sumByUnit(u, v.values).entries()) assert.ok(Math.abs(sum - v.sums[i]) < 1e-12);
    for (const [n, m] of v.members.entries()) for (const t of m) assert.equal(u.of[t], n);
  });
