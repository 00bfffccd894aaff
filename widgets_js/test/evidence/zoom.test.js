import assert from "node:assert/strict";
import test from "node:test";

import { clampSpan, shiftSpan, unitsInSight, zoomIn, zoomOut } from "../../src/evidence/zoom.js";

const members = (size, count) => ({
  count,
  members: Array.from({ length: count }, (_, u) => Array.from({ length: size }, (_, i) => u * size + i)),
});

test("a span stays inside the text and is never too short; the whole text is none", () => {
  assert.deepEqual(clampSpan(-5, 30, 100), [0, 35]);
  assert.deepEqual(clampSpan(90, 120, 100), [69, 99]);
  assert.deepEqual(clampSpan(50, 50, 100), [50, 61]);
  assert.equal(clampSpan(-3, 99, 100), null);
  assert.equal(clampSpan(0, 3, 8), null);
});

test("a unit is in sight with one token in the span", () => {
  const units = members(5, 10);
  assert.deepEqual(unitsInSight(units, null), { first: 0, last: 10 });
  assert.deepEqual(unitsInSight(units, [4, 10]), { first: 0, last: 3 });
  assert.deepEqual(unitsInSight(units, [5, 9]), { first: 1, last: 2 });
});

test("nearer: passage to sentence to word, then half of it, always around what was pointed at", () => {
  const T = 500;
  const passage = Array.from({ length: 60 }, (_, i) => 200 + i);
  const one = zoomIn({ span: null, granularity: "passage" }, T, passage);
  assert.equal(one.granularity, "sentence");
  assert.ok(one.span[0] <= 200 && one.span[1] >= 259 && one.span[1] - one.span[0] < 120);
  const two = zoomIn(one, T, [220, 221, 222, 223, 224, 225, 226, 227, 228, 229]);
  assert.equal(two.granularity, "word");
  assert.ok(two.span[0] <= 220 && two.span[1] >= 229 && two.span[1] - two.span[0] < 40);
  const three = zoomIn({ span: [100, 299], granularity: "word" }, T, [180]);
  assert.equal(three.granularity, "word");
  assert.ok(three.span[0] <= 180 && three.span[1] >= 180);
  assert.equal(three.span[1] - three.span[0] + 1, 101);
  let now = three;
  for (let i = 0; i < 20; i++) now = zoomIn(now, T, [180]);
  assert.ok(now.span[1] - now.span[0] + 1 >= 12);
});

test("farther: twice as much, then all, then a coarser grain up to passages", () => {
  let now = { span: [100, 199], granularity: "word" };
  const seen = [];
  for (let i = 0; i < 6; i++) {
    now = zoomOut(now, 500);
    seen.push(now);
  }
  assert.deepEqual(seen[0].span, [50, 249]);
  assert.deepEqual(seen.at(-1), { span: null, granularity: "passage" });
  assert.ok(seen.some((s) => s.granularity === "sentence"));
});

test("the window moves and stops at the ends with its length", () => {
  assert.deepEqual(shiftSpan([100, 149], 0.2, 500), [110, 159]);
  assert.deepEqual(shiftSpan([100, 149], -500, 500), [0, 49]);
  assert.deepEqual(shiftSpan([100, 149], 500, 500), [450, 499]);
  assert.equal(shiftSpan(null, 1, 500), null);
});
