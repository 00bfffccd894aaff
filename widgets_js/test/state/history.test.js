import assert from "node:assert/strict";
import test from "node:test";

import { createHistory } from "../../src/state/history.js";
import { createStore } from "../../src/state/store.js";

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
