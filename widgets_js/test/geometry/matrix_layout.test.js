import assert from "node:assert/strict";
import test from "node:test";

import { chooseNames, matrixLayout } from "../../src/geometry/matrix_layout.js";

const names = (n) => Array(n).fill(40);

test("the square fits its column at any width and length, in both directions", () => {
  for (const width of [300, 360, 519, 700, 860, 1200])
    for (const count of [1, 3, 13, 60, 512, 1024])
      for (const rtl of [false, true]) {
        const l = matrixLayout({ width, count, names: names(count), zoom: [], rtl });
        const name = `${width} px, ${count} units${rtl ? ", rtl" : ""}`;
        assert.ok(l.width <= width && l.x0 >= 0 && l.x1 <= l.width, name);
        assert.ok(Math.abs(l.x1 - l.x0 - (l.y1 - l.y0)) < 1e-9, name);
        for (const u of [0, count - 1]) {
          assert.deepEqual(l.at(l.x(u), l.y(0)), [0, u], name);
          assert.deepEqual(l.at(l.x(0), l.y(u)), [u, 0], name);
        }
        assert.equal(l.x(0) <= l.x(count - 1), !rtl || count === 1, name);
        assert.equal(l.at(l.x0 - 1, l.y0), null);
        assert.equal(l.at(l.x0, l.y1 + 1), null);
      }
});

test("zoomed in, a window fills the square", () => {
  const l = matrixLayout({ width: 700, count: 100, names: names(100), zoom: [30, 50, 10], rtl: false });
  assert.deepEqual(l.at(l.x0 + 1, l.y0 + 1), [30, 50]);
  assert.deepEqual(l.at(l.x1 - 1, l.y1 - 1), [39, 59]);
  // Set from Python, or for a finer grain, it may reach beyond the end.
  const beyond = matrixLayout({ width: 700, count: 20, names: names(20), zoom: [15, 3, 10], rtl: false });
  assert.deepEqual(beyond.at(beyond.x0 + 1, beyond.y0 + 1), [10, 3]);
});

test("names keep their distance, the chosen and the strongest first", () => {
  const weights = [0, 5, 4, 0, 3, 1];
  assert.deepEqual(chooseNames(0, 6, 13, 13, [], weights), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(chooseNames(0, 6, 5, 10, [2], weights), [2, 4, 0]);
  assert.deepEqual(chooseNames(3, 3, 5, 10, [1], weights), [4]);
});
