import assert from "node:assert/strict";
import test from "node:test";

import { createSceneMaker } from "../../src/evidence/scene.js";
import { flowLayout } from "../../src/geometry/flow_layout.js";
import { layOutRibbons } from "../../src/geometry/ribbons.js";
import { INITIAL } from "../../src/state/store.js";
import { sampleExplanation } from "../../testing/sample.js";

const state = (patch) => ({ ...INITIAL, target: 1, ...patch });
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

test("ribbons end on the balance with the width of the evidence drawn", () => {
  const x = sampleExplanation();
  const scene = createSceneMaker()(x, state({ selected: [2] }));
  const layout = layoutOf();
  const { ribbons, segments, scale, magnification } = layOutRibbons(scene, layout);
  const funnel = ribbons.filter((r) => r.funnel).reduce((a, r) => a + r.high[1] - r.high[0], 0);
  close(funnel, scene.ancestry(2).drawn * scale * magnification, 1e-6);
  const own = segments.reduce((a, s) => a + s.bar[1] - s.bar[0], 0);
  close(own, (scene.unitEvidence.supporting[2] + scene.unitEvidence.opposing[2]) * scale, 1e-6);
});

test("bands never narrow on their way up", () => {
  const scene = createSceneMaker()(sampleExplanation(), state({ selected: [1, 2] }));
  for (const r of layOutRibbons(scene, layoutOf()).ribbons.filter((r) => r.from === r.to && !r.funnel))
    assert.ok(r.high[1] - r.high[0] >= r.low[1] - r.low[0] - 1e-9);
});
