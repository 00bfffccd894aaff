import assert from "node:assert/strict";
import test from "node:test";

import { csv, matrixRows } from "../src/lib/csv.js";
import { matrixLayout, named } from "../src/lib/matrix_layout.js";
import { largestSum } from "../src/lib/matrix_story.js";
import { sceneMaker } from "../src/lib/scene.js";
import { INITIAL, createStore } from "../src/lib/store.js";
import { readExplanation } from "../src/lib/wire.js";
import { createMatrices } from "../src/matrices.js";
import { matrixActions } from "../src/matrix_actions.js";
import { sample } from "../testing/sample.js";

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
  assert.deepEqual(named(0, 6, 13, 13, [], weights), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(named(0, 6, 5, 10, [2], weights), [2, 4, 0]);
  assert.deepEqual(named(3, 3, 5, 10, [1], weights), [4]);
});

test("CSV quotes what must be quoted and lets no cell be a formula", () => {
  assert.equal(csv([['say "a, b"', 1.5, NaN], ["=1+1", -0.25, 1e-9]]), '"say ""a, b""",1.5,\n\'=1+1,-0.25,1e-9\n');
  assert.deepEqual(matrixRows([1, 2, 3, 4], ["a", "b"], "into"), [["into", "a", "b"], ["a", 1, 2], ["b", 3, 4]]);
});

/** @param {object} [options] */
function stage(options) {
  const traits = sample(options);
  const x = readExplanation((name) => traits[name]);
  const store = createStore({ ...INITIAL, target: 1, granularity: "token" });
  const make = sceneMaker();
  const scene = () => make(x, store.state);
  const heard = [];
  const actions = matrixActions(store, scene, { hover: (u) => heard.push(u), layer: (layer) => store.set({ layer }) });
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
  const units = { count: size, of: [...Array(size).keys()], members: [...Array(size).keys()].map((u) => [u]) };
  const actions = matrixActions(store, () => ({ units, selected: [] }), { hover() {}, layer() {} });
  actions.zoom(0.5, [30, 10]);
  assert.equal(store.state.zoom[2], 20);
  const inside = ([row, column, size], [r, c]) => r >= row && r < row + size && c >= column && c < column + size;
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

test("short inputs are worked out in the page, a layer alone and up to it", () => {
  const { scene } = stage();
  const sent = [];
  const matrices = createMatrices((content) => sent.push(content), () => {});
  const upto = matrices.frames(scene(), 1, false);
  const alone = matrices.frames(scene(), 1, true);
  assert.equal(upto.late, false);
  assert.equal(upto.film.length, 2);
  assert.notDeepEqual(upto.pair.plus, alone.pair.plus);
  assert.deepEqual(matrices.frames(scene(), 0, false).pair.plus, matrices.frames(scene(), 0, true).pair.plus);
  assert.deepEqual(sent, []);
  matrices.stop();
});

/** A long input whose rollout is not worth waiting for. */
function long() {
  const T = 330;
  const ids = [...Array(T).keys()];
  const r = Float32Array.from({ length: 3 * T }, (_, i) => Math.sin(i * 1.7));
  const q = Int8Array.from({ length: 2 * T * T }, (_, i) => Math.round(90 * Math.sin(i * 0.9)));
  const traits = sample({
    meta: {
      tokens: ids.map(String), special: ids.map(() => 0), offsets: ids.map(() => [0, 0]), word_ids: ids,
      sentence_ids: ids.map(() => 0), matrix: { bits: 8, scales: [0.4, 0.2] }, no_heads: "",
    },
  });
  const x = readExplanation(
    (name) => ({ _r: new DataView(r.buffer), _G_columns: new DataView(new Float32Array(2 * T).fill(1).buffer), _matrices: new DataView(q.buffer) })[name] ?? traits[name],
  );
  const make = sceneMaker();
  const state = { ...INITIAL, target: 1, granularity: "token" };
  return { T, scene: (patch = {}) => make(x, { ...state, ...patch }) };
}

test("long inputs are asked of Python, once, and late answers are dropped", () => {
  const { T, scene } = long();
  const sent = [];
  let changed = 0;
  const matrices = createMatrices((content) => sent.push(content), () => changed++);
  assert.equal(matrices.frames(scene({ dragging: true }), 1, false).late, true);
  assert.equal(sent.length, 0, "nothing is asked while λ moves");
  matrices.frames(scene(), 1, false);
  assert.equal(matrices.frames(scene(), 1, false).pair, null);
  assert.deepEqual(sent, [{ kind: "rollout", id: 1, lam: 0.5, layer: 1, film: true }]);
  matrices.frames(scene(), 0, false);
  assert.equal(sent.length, 2);
  const pair = new DataView(Int16Array.from({ length: 2 * T * T }, () => 32767).buffer);
  const film = { bits: 8, scales: [1, 1, 1, 1], cells: 2 };
  const answer = { kind: "rollout", bits: 16, scales: [3, 5], film };
  const thumbs = new DataView(new Int8Array(16).fill(127).buffer);
  matrices.receive({ ...answer, id: 1, layer: 1 }, [pair, thumbs], T);
  assert.equal(matrices.frames(scene(), 0, false).pair, null, "an answer to the question before");
  matrices.receive({ ...answer, id: 2, layer: 0 }, [pair, thumbs], T);
  const frames = matrices.frames(scene(), 0, false);
  assert.ok(!frames.late && Math.abs(frames.pair.plus[7] - 3) < 1e-6 && Math.abs(frames.pair.minus[7] - 5) < 1e-6);
  assert.equal(frames.film.length, 2);
  matrices.frames(scene(), 1, false);
  assert.equal(sent.at(-1).film, false, "the film is already here");
  assert.equal(changed, 2);
  matrices.stop();
});

test("an answer for another λ is dropped even where the layer is the same", () => {
  const { T, scene } = long();
  const sent = [];
  const matrices = createMatrices((content) => sent.push(content), () => {});
  matrices.frames(scene(), 1, false);
  matrices.frames(scene({ lam: 0.9 }), 1, false);
  assert.deepEqual(sent.map(({ id, lam, layer }) => [id, lam, layer]), [[1, 0.5, 1], [2, 0.9, 1]]);
  const pair = new DataView(new Int16Array(2 * T * T).buffer);
  matrices.receive({ kind: "rollout", id: 1, layer: 1, bits: 16, scales: [1, 1] }, [pair], T);
  assert.equal(matrices.frames(scene({ lam: 0.9 }), 1, false).pair, null);
  matrices.stop();
});

test("where Python fails, the page works the rollout out by itself", async () => {
  const { T, scene } = long();
  const sent = [];
  const matrices = createMatrices((content) => sent.push(content), () => {});
  const thin = (patch) => {
    const s = scene(patch);
    // Almost no links: the same work, quickly done.
    s.signals.matrices.forEach((g) => g.fill(0));
    return s;
  };
  matrices.frames(thin(), 1, false);
  matrices.receive({ kind: "rollout", id: 1, layer: 1, error: "broken" }, [], T);
  for (let i = 0; i < 100 && matrices.frames(thin(), 1, false).late; i++) await new Promise((ok) => setTimeout(ok, 20));
  const { pair, film } = matrices.frames(thin(), 1, false);
  assert.ok(pair && pair.plus.some((v) => v > 0));
  assert.ok(film === null || film.length === 2);
  matrices.stop();
});

test("heads are asked for once and refused in words", () => {
  const { T, scene } = long();
  const sent = [];
  const matrices = createMatrices((content) => sent.push(content), () => {});
  assert.equal(matrices.heads(scene(), 1, false), null);
  matrices.heads(scene(), 1, true);
  assert.deepEqual(matrices.heads(scene(), 1, true), { heads: null, reason: "" });
  assert.deepEqual(sent, [{ kind: "heads", layer: 1 }]);
  matrices.receive({ kind: "heads", layer: 1, bits: 8, scales: [2, 1] }, [new DataView(new Int8Array(2 * T * T).fill(127).buffer)], T);
  assert.equal(matrices.heads(scene(), 1, true).heads.length, 2);
  matrices.receive({ kind: "heads", layer: 0, error: "layer 0 was not kept." }, [], T);
  assert.equal(matrices.heads(scene(), 0, true).reason, "layer 0 was not kept.");
  const without = stage();
  assert.match(createMatrices(() => {}, () => {}).heads(without.scene(), 0, true).reason, /kernel/);
});

test("a sum is drawn up to twice the strongest word's; special tokens do not set the scale", () => {
  const of = (columns, rows, special) => largestSum({ columns, rows, scene: { units: { special } } });
  assert.equal(of([9, 1, -2], [-50, 3, 0.5], [true, false, false]), 6);
  assert.equal(of([9, 0], [4, 0], [true, false]), Infinity);
  assert.equal(of([], [], []), Infinity);
});
