import assert from "node:assert/strict";
import test from "node:test";

import {
  answerSign,
  isReachable,
  mirrorQuestion,
  restName,
  turnQuestion,
} from "../../src/evidence/question.js";
import { createSceneMaker } from "../../src/evidence/scene.js";
import { INITIAL } from "../../src/state/store.js";
import { sampleExplanation } from "../../testing/sample.js";

const state = (patch) => ({ ...INITIAL, target: 1, ...patch });

test("a question that needs Python leaves the picture and says that it is pending", () => {
  const x = sampleExplanation({ meta: { labels: ["a", "b", "c"], probs: [0.1, 0.8, 0.1], live: true } });
  const make = createSceneMaker();
  const before = make(x, state()).unitEvidence;
  const scene = make(x, state({ target: 2 }));
  assert.equal(scene.pending, true);
  assert.equal(scene.unitEvidence, before);
});

test("which questions can be answered", () => {
  const two = sampleExplanation();
  assert.deepEqual(mirrorQuestion(two), { target: 0, contrast: null });
  assert.equal(answerSign(two, { target: 0, contrast: null }), -1);
  const three = { ...two, labels: ["a", "b", "c"], contrast: 2, target: 1 };
  assert.equal(answerSign(three, { target: 2, contrast: 1 }), -1);
  assert.equal(isReachable(three, { target: 0, contrast: 1 }), false);
  assert.equal(isReachable({ ...three, live: true }, { target: 0, contrast: 1 }), true);
  assert.deepEqual(turnQuestion({ target: 1, contrast: 2 }, 2), { target: 2, contrast: 1 });
});

test("what stands against a class is told by what the classes are", () => {
  const two = sampleExplanation();
  assert.equal(restName(two, 1), two.labels[0]);
  assert.equal(restName({ ...two, classes: "independent" }, 1), "not");
  assert.equal(restName({ ...two, classes: "measured" }, 1), "the baseline");
});
