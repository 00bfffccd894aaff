import assert from "node:assert/strict";
import test from "node:test";

import { largestSum } from "../../src/wording/matrix_story.js";

test("a sum is drawn up to twice the strongest word's; special tokens do not set the scale", () => {
  const of = (columns, rows, special) => largestSum({ columns, rows, scene: { units: { special } } });
  assert.equal(of([9, 1, -2], [-50, 3, 0.5], [true, false, false]), 6);
  assert.equal(of([9, 0], [4, 0], [true, false]), Infinity);
  assert.equal(of([], [], []), Infinity);
});
