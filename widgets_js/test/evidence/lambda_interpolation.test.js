import assert from "node:assert/strict";
import test from "node:test";

import { fuse, normaliseSignals } from "../../src/evidence/fusion.js";
import { interpolateLambda } from "../../src/evidence/lambda_interpolation.js";

let seed = 1;
const random = () => {
  seed = (seed * 16807) % 2147483647;
  return (seed / 2147483647) * 2 - 1;
};

/** @param {number} T @param {number} L */
function made(T, L, weight = 1) {
  const r = Array.from({ length: L + 1 }, () => Float64Array.from({ length: T }, random));
  const g = Array.from({ length: L }, () => Float32Array.from({ length: T * T }, () => random() ** 3));
  const rest = { gamma: 1, weights: Array(L).fill(weight), readout: "all", pooled: Array(T).fill(false) };
  return { signals: normaliseSignals(r, g), rest };
}
const furthest = (a, b) => a.reduce((worst, v, i) => Math.max(worst, Math.abs(v - b[i])), 0);

for (const [T, L] of [
  [1, 1],
  [9, 3],
  [24, 12],
  [40, 24],
  [12, 48],
])
  test(`λ by interpolation is the fusion: ${T} tokens, ${L} layers`, () => {
    const { signals, rest } = made(T, L);
    const swept = interpolateLambda(signals, rest);
    assert.equal(swept.at(0.3), null);
    while (swept.prepare());
    for (const lam of [0, 0.013, 0.3, 0.5, 0.777, 1]) {
      const exact = fuse(signals, { ...rest, lam });
      const found = swept.at(lam);
      const largest = Math.max(...exact.supporting, ...exact.opposing, 1e-9);
      for (const name of ["supporting", "opposing"]) {
        assert.ok(furthest(found[name], exact[name]) <= 1e-6 * largest, `${name} at ${lam}`);
        const total = Math.max(...exact.entering[name], 1e-9);
        assert.ok(
          furthest(found.entering[name], exact.entering[name]) <= 1e-6 * total,
          `entering ${name} at ${lam}`,
        );
      }
      assert.ok(found.exact);
      for (const [b, row] of found.cells.entries()) assert.deepEqual(row, exact.cells[b]);
    }
  });

test("it is ready only when all points are there", () => {
  const { signals, rest } = made(5, 4);
  const swept = interpolateLambda(signals, rest);
  let steps = 1;
  for (; swept.prepare(); steps++) assert.equal(swept.at(0.5), null);
  assert.equal(steps, 5);
});
