import assert from "node:assert/strict";
import test from "node:test";

import { flowLayout, frontLevel } from "../../src/geometry/flow_layout.js";

const close = (a, b, tolerance = 1e-9) => assert.ok(Math.abs(a - b) < tolerance, `${a} is not ${b}`);

const layoutOf = (options) =>
  flowLayout({
    width: 1200,
    sight: { first: 0, last: 5 },
    weights: [1, 0.5],
    nameWidth: () => 20,
    rtl: false,
    ...options,
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
  const levels = [0, 0.5, 1, 1.5, 2].map((play) => frontLevel(layout, play));
  for (let i = 1; i < levels.length; i++) assert.ok(levels[i] < levels[i - 1]);
  assert.equal(levels[4], layout.output);
});
