import assert from "node:assert/strict";
import test from "node:test";

import { createSceneMaker } from "../../src/evidence/scene.js";
import { INITIAL } from "../../src/state/store.js";
import { sampleExplanation } from "../../testing/sample.js";

const state = (patch) => ({ ...INITIAL, target: 1, ...patch });
const close = (a, b, tolerance = 1e-9) => assert.ok(Math.abs(a - b) < tolerance, `${a} is not ${b}`);

test("the mirrored question swaps what supports and what opposes, and nothing else", () => {
  const x = sampleExplanation();
  const make = createSceneMaker();
  const a = make(x, state()).unitEvidence;
  const b = make(x, state({ target: 0 })).unitEvidence;
  assert.deepEqual(b.supporting, a.opposing);
  assert.deepEqual(
    b.net,
    a.net.map((v) => -v),
  );
  assert.deepEqual(b.entering.opposing, a.entering.supporting);
  assert.equal(b.name, "negative");
  close(b.gain, -a.gain);
});

test("ribbons of the mirrored question change sign", () => {
  const x = sampleExplanation();
  const sum = (scene, sign) =>
    scene
      .ancestry(2)
      .edges.filter((e) => e.sign === sign)
      .reduce((t, e) => t + e.mass, 0);
  const a = sum(createSceneMaker()(x, state()), 1);
  const b = sum(createSceneMaker()(x, state({ target: 0 })), -1);
  assert.ok(a > 0);
  close(a, b);
});
