import assert from "node:assert/strict";
import test from "node:test";

import { createSceneMaker } from "../../src/evidence/scene.js";
import { createMatrixActions } from "../../src/state/matrix_actions.js";
import { createStore, INITIAL } from "../../src/state/store.js";
import { sampleExplanation } from "../../testing/sample.js";

/** @param {object} [options] */
function stage(options) {
  const x = sampleExplanation(options);
  const store = createStore({ ...INITIAL, target: 1, granularity: "token" });
  const make = createSceneMaker();
  const scene = () => make(x, store.state);
  const heard = [];
  const actions = createMatrixActions(store, scene, {
    hover: (u) => heard.push(u),
    layer: (layer) => store.set({ layer }),
  });
  return { x, store, scene, actions, heard };
}

test("the crosshair walks to the ends and no further, and pins", () => {
  const { store, actions, heard } = stage();
  actions.walk(0, 1);
  assert.deepEqual(store.state.cross, [0, 0]);
  actions.walk(0, 1e9);
  assert.deepEqual(store.state.cross, [0, 4]);
  actions.walk(9, 0);
  assert.deepEqual(store.state.cross, [4, 4]);
  assert.equal(heard.at(-1), 4);
  actions.enter();
  assert.deepEqual([store.state.cell, store.state.selected], [[4, 4], [4]]);
  actions.enter();
  assert.deepEqual([store.state.cell, store.state.selected], [[], []]);
  actions.climb(1);
  assert.equal(store.state.layer, 1);
  actions.climb(-1);
  actions.climb(-1);
  assert.equal(store.state.layer, 0);
});

test("zooming keeps the cell in view, walking takes the window along", () => {
  const size = 40;
  const store = createStore({ zoom: [], cross: null, cell: [], selected: [] });
  const units = {
    count: size,
    of: [...Array(size).keys()],
    members: [...Array(size).keys()].map((u) => [u]),
  };
  const actions = createMatrixActions(store, () => ({ units, selected: [] }), { hover() {}, layer() {} });
  actions.zoom(0.5, [30, 10]);
  assert.equal(store.state.zoom[2], 20);
  const inside = ([row, column, size], [r, c]) =>
    r >= row && r < row + size && c >= column && c < column + size;
  assert.ok(inside(store.state.zoom, [30, 10]));
  actions.point([30, 10]);
  for (let i = 0; i < 25; i++) {
    actions.walk(-1, 1);
    assert.ok(inside(store.state.zoom, store.state.cross));
  }
  for (let i = 0; i < 9; i++) actions.zoom(0.5);
  assert.equal(store.state.zoom[2], 8);
  for (let i = 0; i < 9; i++) actions.zoom(2);
  assert.deepEqual(store.state.zoom, []);
});
