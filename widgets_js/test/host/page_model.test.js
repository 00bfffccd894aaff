import assert from "node:assert/strict";
import test from "node:test";
import { deflateSync } from "node:zlib";

import { createModel, readTraits } from "../../src/host/page_model.js";

const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const contents = () => ({
  traits: { lam: 0.5, _r: null, _items: [{ _r: null }, { _r: null }] },
  bytes: [
    [["_r"], base64([1, 2, 250])],
    [["_items", 1, "_r"], base64([9])],
  ],
  matrices: [base64(deflateSync(Buffer.from([5, 6]))), base64(deflateSync(Buffer.from([7])))],
  refusal: "no kernel",
});
/** The next message, as soon as it comes. */
const heard = (model, question) =>
  new Promise((done) => {
    const hear = (...said) => {
      model.off("msg:custom", hear);
      done(said);
    };
    model.on("msg:custom", hear);
    model.send(question);
  });

test("binary traits stand in their places", () => {
  const traits = readTraits(contents());
  assert.deepEqual([...new Uint8Array(traits._r.buffer)], [1, 2, 250]);
  assert.equal(traits._items[1]._r.getUint8(0), 9);
  assert.equal(traits._items[0]._r, null);
});

test("a trait that is set is announced once, and not when nothing changes", () => {
  const model = createModel(contents());
  const seen = [];
  const hear = () => seen.push(model.get("lam"));
  model.on("change:lam", hear);
  model.set("lam", 0.7);
  model.set("lam", 0.7);
  model.save_changes();
  model.off("change:lam", hear);
  model.set("lam", 0.1);
  assert.deepEqual(seen, [0.7]);
});

test("matrices are answered from the page, each explanation's own", async () => {
  const model = createModel(contents());
  const [said, [buffer]] = await heard(model, { kind: "matrices" });
  assert.deepEqual(said, { kind: "matrices" });
  assert.deepEqual([buffer.getUint8(0), buffer.byteLength], [5, 2]);
  const [, [other]] = await heard(model, { kind: "matrices", item: 1 });
  assert.equal(other.getUint8(0), 7);
});

test("what needs the notebook is refused in words, and the question comes back", async () => {
  const [said, buffers] = await heard(createModel(contents()), { kind: "rollout", id: 3, layer: 2 });
  assert.deepEqual([said, buffers], [{ kind: "rollout", id: 3, layer: 2, error: "no kernel" }, []]);
});
