import assert from "node:assert/strict";
import test from "node:test";

import { matrixRows, toCsv } from "../../src/wording/csv.js";

test("CSV quotes what must be quoted and lets no cell be a formula", () => {
  assert.equal(
    toCsv([
      ['say "a, b"', 1.5, NaN],
      ["=1+1", -0.25, 1e-9],
    ]),
    '"say ""a, b""",1.5,\n\'=1+1,-0.25,1e-9\n',
  );
  assert.deepEqual(matrixRows([1, 2, 3, 4], ["a", "b"], "into"), [
    ["into", "a", "b"],
    ["a", 1, 2],
    ["b", 3, 4],
  ]);
});
