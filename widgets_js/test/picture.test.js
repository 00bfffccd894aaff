import assert from "node:assert/strict";
import test from "node:test";

import { answers, mirrored, reachable, turnTo } from "../src/lib/question.js";
import { flow } from "../src/lib/ribbons.js";
import { flowLayout, front } from "../src/lib/layout.js";
import { sceneMaker } from "../src/lib/scene.js";
import { INITIAL, createStore } from "../src/lib/store.js";
import { readExplanation } from "../src/lib/wire.js";
import { sample } from "../testing/sample.js";

const explanation = (options) => ((traits) => readExplanation((name) => traits[name]))(sample(options));
const state = (patch) => ({ ...INITIAL, target: 1, ...patch });
const close = (a, b, tolerance = 1e-9) => assert.ok(Math.abs(a - b) < tolerance, `${a} is not ${b}`);

test("the mirrored question swaps what supports and what opposes, and nothing else", () => {
  const x = explanation();
  const make = sceneMaker();
  const a = make(x, state()).picture;
  const b = make(x, state({ target: 0 })).picture;
  assert.deepEqual(b.supporting, a.opposing);
  assert.deepEqual(b.net, a.net.map((v) => -v));
  assert.deepEqual(b.entering.opposing, a.entering.supporting);
  assert.equal(b.name, "negative");
  close(b.gain, -a.gain);
});

test("ribbons of the mirrored question change sign", () => {
  const x = explanation();
  const sum = (scene, sign) =>
    scene.ancestry(2).edges.filter((e) => e.sign === sign).reduce((t, e) => t + e.mass, 0);
  const a = sum(sceneMaker()(x, state()), 1);
  const b = sum(sceneMaker()(x, state({ target: 0 })), -1);
  assert.ok(a > 0);
  close(a, b);
});

test("a question that needs Python leaves the picture and says that it is pending", () => {
  const x = explanation({ meta: { labels: ["a", "b", "c"], probs: [0.1, 0.8, 0.1], live: true } });
  const make = sceneMaker();
  const before = make(x, state()).picture;
  const scene = make(x, state({ target: 2 }));
  assert.equal(scene.pending, true);
  assert.equal(scene.picture, before);
});

test("which questions can be answered", () => {
  const two = explanation();
  assert.deepEqual(mirrored(two), { target: 0, contrast: null });
  assert.equal(answers(two, { target: 0, contrast: null }), -1);
  const three = { ...two, labels: ["a", "b", "c"], contrast: 2, target: 1 };
  assert.equal(answers(three, { target: 2, contrast: 1 }), -1);
  assert.equal(reachable(three, { target: 0, contrast: 1 }), false);
  assert.equal(reachable({ ...three, live: true }, { target: 0, contrast: 1 }), true);
  assert.deepEqual(turnTo({ target: 1, contrast: 2 }, 2), { target: 2, contrast: 1 });
});

test("a scene computes again only what has changed", () => {
  const x = explanation();
  const make = sceneMaker();
  const a = make(x, state());
  assert.equal(make(x, state({ hover: 2 })).picture, a.picture);
  assert.notEqual(make(x, state({ lam: 0.2 })).picture, a.picture);
});

test("the selection is tokens, whatever the granularity shows", () => {
  const x = explanation();
  const make = sceneMaker();
  assert.deepEqual(make(x, state({ selected: [2, 99] })).selected, [2]);
  assert.deepEqual(make(x, state({ selected: [2], granularity: "sentence" })).selected, [1]);
});

test("the store tells what changed and only then", () => {
  const store = createStore({ selected: [1] });
  const heard = [];
  const stop = store.listen((changed) => heard.push([...changed]));
  store.set({ selected: [1], lam: 0.5 });
  store.set({ selected: [2], lam: 0.5 });
  stop();
  store.set({ lam: 0.1 });
  assert.deepEqual(heard, [["selected"]]);
});

const layoutOf = (options) =>
  flowLayout({ width: 1200, sight: { first: 0, last: 5 }, weights: [1, 0.5], nameWidth: () => 20, rtl: false, ...options });

test("ribbons end on the balance with the width of the evidence drawn", () => {
  const x = explanation();
  const scene = sceneMaker()(x, state({ selected: [2] }));
  const layout = layoutOf();
  const { ribbons, segments, scale, magnification } = flow(scene, layout);
  const funnel = ribbons.filter((r) => r.funnel).reduce((a, r) => a + r.high[1] - r.high[0], 0);
  close(funnel, scene.ancestry(2).drawn * scale * magnification, 1e-6);
  const own = segments.reduce((a, s) => a + s.bar[1] - s.bar[0], 0);
  close(own, (scene.picture.supporting[2] + scene.picture.opposing[2]) * scale, 1e-6);
});

test("bands never narrow on their way up", () => {
  const scene = sceneMaker()(explanation(), state({ selected: [1, 2] }));
  for (const r of flow(scene, layoutOf()).ribbons.filter((r) => r.from === r.to && !r.funnel))
    assert.ok(r.high[1] - r.high[0] >= r.low[1] - r.low[0] - 1e-9);
});

test("text that reads from right to left mirrors the axis", () => {
  const [ltr, rtl] = [layoutOf(), layoutOf({ rtl: true })];
  for (let u = 0; u < 5; u++) {
    close(ltr.x(u) - ltr.x0, rtl.x1 - rtl.x(u));
    assert.equal(ltr.unitAt(ltr.x(u)), u);
    assert.equal(rtl.unitAt(rtl.x(u)), u);
  }
});

test("closed layers are low, strips never overlap, and many layers still fit", () => {
  for (const weights of [[1, 0, 0.02, 1], Array(48).fill(0.5)]) {
    const { strips, output, bottom, height } = layoutOf({ weights });
    for (let b = 1; b < strips.length; b++) assert.ok(strips[b].top + strips[b].height < strips[b - 1].top);
    assert.ok(strips.at(-1).top > output && strips[0].top + strips[0].height <= bottom + 1e-9);
    assert.ok(height < 900);
  }
  const { strips } = layoutOf({ weights: [1, 0, 1, 1] });
  assert.ok(strips[1].height < strips[2].height / 2);
});

test("the front rises through the layers and stops at the output", () => {
  const layout = layoutOf();
  const levels = [0, 0.5, 1, 1.5, 2].map((play) => front(layout, play));
  for (let i = 1; i < levels.length; i++) assert.ok(levels[i] < levels[i - 1]);
  assert.equal(levels[4], layout.output);
});
