import assert from "node:assert/strict";
import test from "node:test";

import { createComparisonMaker, differenceOf, rowName } from "../../src/evidence/comparison.js";
import { readExplanation } from "../../src/evidence/wire.js";
import { INITIAL } from "../../src/state/store.js";
import { comparisonStory } from "../../src/wording/comparison_story.js";
import { sample } from "../../testing/sample.js";

const read = (name, meta) => {
  const traits = sample({ meta });
  return { ...readExplanation((trait) => traits[trait]), name };
};
const one = read("one");
// The same but for "good", which became "bad" and "news"; its last token has no counterpart.
const two = read("two", {
  text: "not baadx",
  tokens: ["[CLS]", "not", "baad", "x", "[SEP]"],
  answer: "negative",
});
const rows = [
  [[0], [0]],
  [[1], [1]],
  [[2], [2, 3]],
  [[3], []],
  [[4], [4]],
];
const all = {
  token: rows,
  word: rows,
  sentence: [
    [[0], [0]],
    [[1], [1]],
    [[2], [2]],
  ],
  passage: rows,
};
const state = (patch) => ({ ...INITIAL, target: -1, lam: null, ...patch });

test("a changes is second less first; of more the spread; what is missing counts as nothing", () => {
  assert.equal(differenceOf([1, -2]), -3);
  assert.equal(differenceOf([null, 2]), 2);
  assert.equal(differenceOf([1, -2, null]), 3);
});

test("a row is called what all have, or what became of it", () => {
  assert.equal(rowName(["Good", "good"]), "Good");
  assert.equal(rowName(["good", "bad", ""]), "good → bad → ∅");
  // Two tokenizers part the same text in two ways.
  assert.equal(rowName(["thin ,", "thin,"]), "thin,");
});

test("rows add up the units of each side, on one scale", () => {
  const scene = createComparisonMaker()([one, two], all, state());
  const [a, b] = scene.sides.map((s) => s.scene.unitEvidence);
  assert.equal(scene.units.count, 5);
  assert.equal(scene.units.names[2], "good → baad x");
  assert.equal(scene.values[2][0], a.net[2]);
  assert.ok(Math.abs(scene.values[2][1] - b.net[2] - b.net[3]) < 1e-12);
  assert.deepEqual(scene.values[3], [a.net[3], null]);
  assert.equal(scene.changes[3], -a.net[3]);
  assert.equal(a.largest, b.largest);
  assert.ok(
    a.largest >=
      Math.max(...a.order.map((u) => Math.abs(a.net[u])), ...b.order.map((u) => Math.abs(b.net[u]))) - 1e-12,
  );
  assert.deepEqual(scene.sides[1].rowOf, [0, 1, 2, 2, 4]);
  assert.ok(!scene.order.includes(0) && scene.order.length === 3);
});

test("what is selected is selected in all, pointed at likewise", () => {
  const scene = createComparisonMaker()([one, two], all, state({ selected: [2], hover: 3 }));
  assert.deepEqual(scene.selected, [2]);
  assert.deepEqual(
    scene.sides.map((s) => s.scene.selected),
    [[2], [2, 3]],
  );
  assert.deepEqual(
    scene.sides.map((s) => s.scene.state.hover),
    [3, null],
  );
});

test("a method of one signal keeps its λ when one is set for all", () => {
  const single = { ...one, lam: 1, single: true };
  const make = createComparisonMaker();
  const [a] = make([single, one], all, state()).sides.map((s) => s.scene.unitEvidence.net);
  const scene = make([single, one], all, state({ lam: 0.2 }));
  assert.deepEqual(scene.sides[0].scene.unitEvidence.net, a);
  assert.equal(scene.sides[1].scene.state.lam, 0.2);
  assert.equal(scene.x.single, false);
  assert.equal(make([single, single], all, state()).x.single, true);
});

test("λ is each one's own until it is set for all", () => {
  const make = createComparisonMaker();
  const other = { ...one, lam: 0.1 };
  const own = make([one, other], { ...all, word: rows }, state());
  assert.ok(Number.isNaN(own.state.lam));
  assert.notDeepEqual(own.sides[0].scene.unitEvidence.net, own.sides[1].scene.unitEvidence.net);
  const set = make([one, other], all, state({ lam: 0.9 }));
  assert.deepEqual(set.sides[0].scene.unitEvidence.net, set.sides[1].scene.unitEvidence.net);
});

test("the story names the edit that turned the class", () => {
  const scene = createComparisonMaker()([one, two], all, state());
  const said = comparisonStory(scene)
    .map((p) => (typeof p === "string" ? p : (p.strong ?? p.text)))
    .join("");
  assert.match(said, /^The decision turns: positive → negative\. Of what was edited, most comes from /);
  assert.match(said, /good → baad x from [+−]/);
  const same = createComparisonMaker()([one, { ...one, lam: 0.1 }], all, state());
  assert.match(comparisonStory(same).map(String).join(""), /^They differ most at /);
  const rowOfBoth = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => [[i], [i]]);
  const alike = createComparisonMaker()(
    [one, one],
    { ...all, token: rowOfBoth(5), word: rowOfBoth(5) },
    state(),
  );
  assert.deepEqual(comparisonStory(alike), ["They do not differ."]);
});
