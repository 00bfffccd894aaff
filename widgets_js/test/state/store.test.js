import assert from "node:assert/strict";
import test from "node:test";

import { createStore } from "../../src/state/store.js";

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
