import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { fuse, normaliseSignals } from "../../src/evidence/fusion.js";
import { sizeExceededBy } from "../../src/evidence/maths.js";
import {
  mergeUnits,
  poolCells,
  rollAllBlocks,
  rollBlocks,
  rolloutVectors,
  scaleKnee,
  scaleLimit,
  selectChannel,
  splitSigns,
  strongestCells,
  swapSigns,
  toneScale,
} from "../../src/evidence/rollout.js";

const vectors = JSON.parse(readFileSync(new URL("../../../tests/data/fusion.json", import.meta.url), "utf8"));
const fusionOf = (v) => ({
  lam: v.lam,
  gamma: v.gamma,
  weights: v.layer_weights,
  readout: v.readout,
  pooled: v.pooled.map(Boolean),
});
const signalsOf = (v) =>
  normaliseSignals(
    v.r,
    v.G.map((g) => Float64Array.from(g.flat())),
  );

function close(actual, expected, name, tolerance = 1e-5) {
  assert.equal(actual.length, expected.length, name);
  Array.from(actual).forEach((a, i) => {
    const error = Math.abs(a - expected[i]) / Math.max(1, Math.abs(expected[i]));
    assert.ok(error <= tolerance, `${name}[${i}]: ${a} is not ${expected[i]}`);
  });
}

for (const [n, v] of vectors.entries()) {
  const [T, L] = [v.r[0].length, v.G.length];
  const title = `vector ${n} (${L} blocks, ${T} tokens)`;
  const own = (q) => (q % (T + 1) === 0 ? 1 : 0);

  test(`${title}: the rolled-out matrix less the identity agrees with Python`, () => {
    const last = rollAllBlocks(signalsOf(v), fusionOf(v), 0, L).at(-1);
    close(
      last.plus,
      v.expected.rollout_supporting.flat().map((x, q) => x - own(q)),
      "supporting",
    );
    close(
      last.minus,
      v.expected.rollout_opposing.flat().map((x, q) => x - own(q)),
      "opposing",
    );
  });

  test(`${title}: rows and columns by vectors are those of the matrix`, () => {
    for (const [from, to] of [
      [0, L],
      [L - 1, L],
      [0, 1],
    ]) {
      const { plus, minus } = rollAllBlocks(signalsOf(v), fusionOf(v), from, to).at(-1);
      for (const t of [0, T - 1]) {
        const { given, taken } = rolloutVectors(signalsOf(v), fusionOf(v), from, to, [t]);
        const column = (m) => Array.from({ length: T }, (_, i) => m[i * T + t]);
        close(given.plus, column(plus), "given +");
        close(given.minus, column(minus), "given −");
        close(taken.plus, plus.slice(t * T, (t + 1) * T), "taken +");
        close(taken.minus, minus.slice(t * T, (t + 1) * T), "taken −");
      }
    }
  });

  test(`${title}: the columns sum to the evidence of the words`, () => {
    if (v.readout !== "all") return;
    const f = fuse(signalsOf(v), fusionOf(v));
    const last = rollAllBlocks(signalsOf(v), fusionOf(v), 0, L).at(-1);
    const sums = (m) =>
      Array.from({ length: T }, (_, j) =>
        Array.from({ length: T }, (_, i) => m[i * T + j]).reduce((a, x) => a + x, 0),
      );
    close(sums(last.plus), f.supporting, "supporting");
    close(sums(last.minus), f.opposing, "opposing");
  });
}

test("the work can be done a row at a time", () => {
  const v = vectors.find((x) => x.r[0].length === 7);
  const steps = [...rollBlocks(signalsOf(v), fusionOf(v), 0, 4)];
  assert.equal(steps.filter(Boolean).length, 4);
  assert.ok(steps.length > 10);
});

const PAIR = { plus: Float32Array.from([1, 2, 0, 4]), minus: Float32Array.from([0, 1, 3, 0]), n: 2 };

test("channels are signed, and the residual cancels in net", () => {
  assert.deepEqual([...selectChannel(PAIR, "net", null)], [1, 1, -3, 4]);
  assert.deepEqual([...selectChannel(PAIR, "supporting", null)], [1, 2, 0, 4]);
  assert.deepEqual(
    [...selectChannel(PAIR, "opposing", null)].map((x) => x + 0),
    [0, -1, -3, 0],
  );
  assert.deepEqual([...selectChannel(PAIR, "supporting", [1, 2])], [2, 2, 0, 6]);
  assert.deepEqual([...selectChannel(PAIR, "opposing", [1, 2])], [-1, -1, -3, -2]);
  assert.deepEqual([...selectChannel(PAIR, "net", [1, 2])], [1, 1, -3, 4]);
  assert.deepEqual([...selectChannel(swapSigns(PAIR), "net", null)], [-1, -1, 3, -4]);
  assert.deepEqual([...selectChannel(splitSigns([1, -2, 0, 3], 2), "net", null)], [1, -2, 0, 3]);
});

test("pieces of a word are summed in rows and columns", () => {
  const units = { of: [0, 1, 1], count: 2, members: [[0], [1, 2]] };
  const plus = Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const { plus: sum, n } = mergeUnits({ plus, minus: new Float32Array(9), n: 3 }, units);
  assert.equal(n, 2);
  assert.deepEqual([...sum], [1, 5, 11, 28]);
});

test("no cell is lost when several share a dot", () => {
  for (const n of [1, 5, 64, 129, 1024]) {
    const values = new Float32Array(n * n);
    const at = Math.floor(0.37 * n) * n + Math.floor(0.81 * n);
    values[at] = -3;
    const { values: small, cells } = poolCells(values, n, { row: 0, column: 0, side: n }, 64);
    assert.ok(cells <= Math.min(n, 64) && small.length === cells * cells);
    assert.equal(small.filter((x) => x === -3).length, 1, `${n} tokens`);
  }
  const values = Float32Array.from({ length: 36 }, (_, q) => q);
  const { values: part } = poolCells(values, 6, { row: 1, column: 2, side: 2 }, 64);
  assert.deepEqual([...part], [8, 9, 14, 15]);
});

test("the scale is symmetric, and outliers of a large matrix do not flatten it", () => {
  assert.equal(scaleLimit(Float32Array.from([0.5, -2])), 2);
  const large = new Float32Array(10000).fill(0.1);
  large[17] = -9;
  assert.ok(Math.abs(scaleLimit(large) - 0.1) < 1e-6);
  assert.ok(scaleLimit(new Float32Array(4)) > 0);
});

test("the contrast adapts to what is looked at, in steps, and keeps the sign", () => {
  assert.equal(scaleKnee(1, null), 1);
  assert.equal(scaleKnee(1, 1), 1);
  assert.equal(scaleKnee(1, NaN), 1);
  assert.ok(scaleKnee(1, 0.004) < scaleKnee(1, 0.2));
  assert.equal(scaleKnee(1, 0.0041), scaleKnee(1, -0.0042));
  assert.ok(scaleKnee(1, 1e-30) >= 1e-3);
  for (const knee of [1, 0.1, 0.001]) {
    const tone = toneScale(2, knee);
    assert.ok(Math.abs(tone(2) - 1) < 1e-12 && Math.abs(tone(-2) + 1) < 1e-12 && tone(0) === 0);
  }
  assert.ok(toneScale(1, 0.01)(0.01) > 5 * toneScale(1, 1)(0.01));
});

test("the strongest cells come first", () => {
  const values = Float32Array.from([0, -5, 2, 0, 4, 1, 0, 0, 3]);
  assert.deepEqual(strongestCells(values, 3, 3), [
    { row: 0, column: 1, value: -5 },
    { row: 1, column: 1, value: 4 },
    { row: 2, column: 2, value: 3 },
  ]);
  assert.equal(strongestCells(values, 3, 99).length, 5);
});

test("the size that so many exceed is the one that sorting finds", () => {
  const values = Array.from({ length: 300 }, (_, n) => Math.sin(n * n) * (n % 7 ? 1 : 0));
  const sizes = values.map(Math.abs).sort((a, b) => b - a);
  for (const beyond of [0, 1, 5, 42, 299]) assert.equal(sizeExceededBy(values, beyond), sizes[beyond]);
  assert.equal(sizeExceededBy(values, 300), 0);
  assert.equal(sizeExceededBy([]), 0);
  assert.equal(sizeExceededBy([-2, 2, 1], 1), 2);
});
