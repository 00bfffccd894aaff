import assert from "node:assert/strict";
import test from "node:test";

import { readExplanation, readMatrices, readRows } from "../../src/evidence/wire.js";
import { sample, view } from "../../testing/sample.js";

const reader = (traits) => (name) => traits[name];

test("buffers at odd offsets read the same", () => {
  const even = readExplanation(reader(sample()));
  for (const odd of [1, 2, 3, 5]) {
    const x = readExplanation(reader(sample({ odd })));
    assert.deepEqual(x.r, even.r);
    assert.deepEqual(x.columns, even.columns);
    assert.deepEqual(x.matrices, even.matrices);
  }
});

test("companded integers come back as signed squares", () => {
  const [a, b] = readMatrices(
    view(Int8Array.from([127, -127, 64, 0, 1, 2, 3, -4])),
    { bits: 8, scales: [2, 1] },
    2,
  );
  assert.deepEqual([a[0], a[1], a[3]], [2, -2, 0]);
  assert.ok(Math.abs(a[2] - 2 * (64 / 127) ** 2) < 1e-6);
  assert.ok(Math.abs(b[3] + (4 / 127) ** 2) < 1e-9);
});

test("column sums agree with the matrices they were taken from", () => {
  const x = readExplanation(reader(sample()));
  const T = x.tokens.length;
  x.matrices.forEach((g, b) => {
    for (let j = 0; j < T; j++) {
      let sum = 0;
      for (let i = 0; i < T; i++) sum += g[i * T + j];
      assert.ok(Math.abs(sum - x.columns[b][j]) < 1e-5);
    }
  });
});

test("no matrices yet is not an error", () => {
  assert.equal(readExplanation(reader(sample({ matrices: false }))).matrices, null);
});

test("a value that is not a number counts as zero and is remembered", () => {
  const traits = sample();
  traits._r.setFloat32(4 * (5 + 2), NaN, true);
  const x = readExplanation(reader(traits));
  assert.deepEqual(x.holes, [[1, 2]]);
  assert.equal(x.r[1][2], 0);
  assert.ok(Number.isNaN(x.delta[2]), "null on the wire is not a number");
});

test("a buffer of the wrong size is refused with both sizes", () => {
  assert.throws(
    () => readRows(new DataView(new ArrayBuffer(12)), 2, 5, "_r"),
    /_r must hold 40 bytes, got 12/,
  );
  assert.throws(
    () => readMatrices(new DataView(new ArrayBuffer(3)), { bits: 8, scales: [1] }, 2),
    /4 bytes, got 3/,
  );
});
