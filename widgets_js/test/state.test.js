import assert from "node:assert/strict";
import test from "node:test";

import { createHistory } from "../src/lib/history.js";
import { shareString } from "../src/lib/share.js";
import { INITIAL, createStore } from "../src/lib/store.js";

test("undo and redo walk through what was explored, and a new step forgets the undone ones", () => {
  const store = createStore({ target: 1 });
  const { undo, redo, can } = createHistory(store);
  assert.deepEqual(can(), { undo: false, redo: false });
  store.set({ selected: [3] });
  store.set({ layer: 2, play: null });
  store.set({ granularity: "token" });
  undo();
  assert.deepEqual([store.state.granularity, store.state.layer], ["word", 2]);
  undo();
  undo();
  undo();
  assert.deepEqual([store.state.selected, store.state.layer], [[], null]);
  assert.deepEqual(can(), { undo: false, redo: true });
  redo();
  assert.deepEqual(store.state.selected, [3]);
  store.set({ lam: 0.2 });
  assert.deepEqual(can(), { undo: true, redo: false });
  redo();
  assert.equal(store.state.granularity, "word");
});

test("however long λ is dragged, it is one step", () => {
  const store = createStore();
  const { undo, can } = createHistory(store);
  for (const lam of [0.51, 0.6, 0.9]) {
    store.set({ lam, dragging: true, held: true });
    store.set({ dragging: false }); // it rests for a moment, in full detail
  }
  assert.equal(can().undo, false);
  store.set({ held: false });
  undo();
  assert.equal(store.state.lam, 0.5);
  assert.equal(can().undo, false);
});

test("the theme, pointing and playing are no steps; undoing stops the play", () => {
  const store = createStore();
  const { undo, can } = createHistory(store);
  store.set({ theme: "dark" });
  store.set({ hover: 3, preview: 3 });
  store.set({ play: 0.4, playing: true });
  assert.equal(can().undo, false);
  store.set({ selected: [1] });
  undo();
  assert.deepEqual([store.state.playing, store.state.play, store.state.theme], [false, null, "dark"]);
});

test("after the end nothing is remembered", () => {
  const store = createStore();
  const { stop, can } = createHistory(store);
  stop();
  store.set({ layer: 1 });
  assert.equal(can().undo, false);
});

test("the shared string names what is not at rest, in the order and form that Python reads", () => {
  const state = { ...INITIAL, target: 1 };
  assert.equal(shareString(state), "target=1");
  const moved = { ...state, selected: [4, 9], lam: 0.35, layer: 0, span: [2, 40], granularity: "token", play: 1.5, theme: "dark" };
  assert.equal(shareString(moved), "granularity=token;lam=0.35;layer=0;play=1.5;selected=4,9;span=2,40;target=1");
  assert.equal(shareString({ ...state, lam: 0.1 + 0.2 }), "lam=0.3;target=1");
});

test("a comparison has no target, and tells λ as soon as it is one for all", () => {
  const state = { ...INITIAL, target: -1, lam: null };
  assert.equal(shareString(state), "");
  assert.equal(shareString({ ...state, lam: 0.5 }), "lam=0.5");
});
