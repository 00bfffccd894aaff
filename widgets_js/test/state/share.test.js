import assert from "node:assert/strict";
import test from "node:test";

import { shareString } from "../../src/state/share.js";
import { INITIAL } from "../../src/state/store.js";

test("the shared string names what is not at rest, in the order and form that Python reads", () => {
  const state = { ...INITIAL, target: 1 };
  assert.equal(shareString(state), "target=1");
  const moved = {
    ...state,
    selected: [4, 9],
    lam: 0.35,
    layer: 0,
    span: [2, 40],
    granularity: "token",
    play: 1.5,
    theme: "dark",
  };
  assert.equal(
    shareString(moved),
    "granularity=token;lam=0.35;layer=0;play=1.5;selected=4,9;span=2,40;target=1",
  );
  assert.equal(shareString({ ...state, lam: 0.1 + 0.2 }), "lam=0.3;target=1");
});

test("a comparison has no target, and tells λ as soon as it is one for all", () => {
  const state = { ...INITIAL, target: -1, lam: null };
  assert.equal(shareString(state), "");
  assert.equal(shareString({ ...state, lam: 0.5 }), "lam=0.5");
});
