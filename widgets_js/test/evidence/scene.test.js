import assert from "node:assert/strict";
import test from "node:test";

import { createSceneMaker } from "../../src/evidence/scene.js";
import { INITIAL } from "../../src/state/store.js";
import { sampleExplanation } from "../../testing/sample.js";

const state = (patch) => ({ ...INITIAL, target: 1, ...patch });

test("a scene computes again only what has changed", () => {
  const x = sampleExplanation();
  const make = createSceneMaker();
  const a = make(x, state());
  assert.equal(make(x, state({ hover: 2 })).unitEvidence, a.unitEvidence);
  assert.notEqual(make(x, state({ lam: 0.2 })).unitEvidence, a.unitEvidence);
});

test("the selection is tokens, whatever the granularity shows", () => {
  const x = sampleExplanation();
  const make = createSceneMaker();
  assert.deepEqual(make(x, state({ selected: [2, 99] })).selected, [2]);
  assert.deepEqual(make(x, state({ selected: [2], granularity: "sentence" })).selected, [1]);
});
