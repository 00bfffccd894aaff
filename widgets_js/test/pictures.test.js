import assert from "node:assert/strict";
import test from "node:test";
import { rollout } from "../src/evidence/fusion.js";
import { createSceneMaker } from "../src/evidence/scene.js";
import { readExplanation } from "../src/evidence/wire.js";
import { createPatchActions } from "../src/patches/actions.js";
import { computeLinks, createMapMaker, readGrid, strongestOther } from "../src/patches/evidence/map.js";
import { fadePixels } from "../src/patches/photo.js";
import { patchStory } from "../src/patches/wording/story.js";
import bundle from "../src/pictures.js";
import { createActions } from "../src/state/actions.js";
import { createStore, INITIAL, SHARED } from "../src/state/store.js";
import { mockModel } from "../testing/mock_model.js";
import { media, observers, settle, window } from "../testing/page.js";
import { sample } from "../testing/sample.js";

const { render } = bundle;

const META = {
  text: "",
  tokens: ["[CLS]", "row 1, column 1", "row 1, column 2", "row 2, column 1", "row 2, column 2"],
  special: [1, 0, 0, 0, 0],
  offsets: [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
  ],
  word_ids: [-1, 0, 1, 2, 3],
  sentence_ids: [-1, 0, 0, 1, 1],
  passage_ids: [-1, 0, 0, 0, 0],
  grid: [2, 2],
  size: [20, 30],
};
const traits = (own = {}, meta = {}) => ({
  ...sample({ meta: { ...META, ...meta } }),
  _view: "patches",
  _picture: null,
  granularity: "token",
  opacity: 0.8,
  ...own,
});
const sceneOf = (own = {}, meta = {}) => {
  const all = traits(own, meta);
  const x = readExplanation((name) => all[name]);
  return createSceneMaker()(x, {
    ...INITIAL,
    ...Object.fromEntries(SHARED.filter((n) => n in all).map((n) => [n, all[n]])),
  });
};
const near = (a, b, tolerance = 1e-9) => {
  assert.equal(a.length, b.length);
  for (const [i, v] of a.entries()) assert.ok(Math.abs(v - b[i]) <= tolerance, `${v} is not ${b[i]} at ${i}`);
};

async function mounted(own = {}, meta = {}) {
  const saved = [];
  const model = mockModel(traits(own, meta), { onSave: (c) => saved.push(c) });
  const el = document.createElement("div");
  document.body.append(el);
  const stop = render({ model, el });
  await settle();
  return { model, el, stop, saved, find: (selector) => el.querySelector(selector) };
}

test("opacity is a trait of this bundle, and a patch is a piece of its own", () => {
  assert.ok(SHARED.includes("opacity"));
  assert.equal(INITIAL.granularity, "token");
});

test("the view mounts, and leaves nothing behind", async () => {
  const { model, el, stop, find } = await mounted();
  assert.equal(find(".calig").dataset.view, "patches");
  assert.match(find(".caption").textContent, /^Over all 2 layers .*row \d, column \d/);
  assert.match(find(".others").textContent, /Not on the picture: \[CLS\] /);
  stop();
  assert.equal(model.subscribed(), 0);
  assert.equal(el.childNodes.length, 0);
  assert.equal(observers.size, 0);
  assert.equal(media.listeners, 0);
});

test("patches fill the grid row by row; what is special stands beside it", () => {
  const { units } = sceneOf();
  const grid = readGrid(META, units);
  assert.deepEqual([grid.rows, grid.columns, grid.ratio], [2, 2, 1.5]);
  assert.deepEqual([grid.patches, grid.others], [[1, 2, 3, 4], [0]]);
});

test("supporting less opposing is net, over all layers and in each", () => {
  for (const target of [1, 0]) {
    const frames = (channel) => createMapMaker()(sceneOf({ channel, target })).frames;
    const [net, plus, minus] = ["net", "supporting", "opposing"].map(frames);
    assert.equal(net.length, 3);
    net.forEach((row, b) => {
      assert.ok(plus[b].every((v) => v >= 0) && minus[b].every((v) => v <= 0));
      near(
        row,
        plus[b].map((v, u) => v + minus[b][u]),
        1e-6,
      );
    });
  }
});

test("a side of a layer is the column sums of its matrix", () => {
  const scene = sceneOf({ channel: "opposing", lam: 0.3 });
  const { frames } = createMapMaker()(scene);
  const { signals } = scene;
  const columns = signals.states[1].map((r, k) => {
    let sum = 0.3 * Math.max(0, -r);
    for (let i = 0; i < 5; i++) sum += 0.7 * Math.max(0, -signals.matrices[1][i * 5 + k]) * signals.scales[1];
    return -sum;
  });
  near(frames[2], [...columns], 1e-6);
});

test("one scale holds for both sides, so that they can be compared", () => {
  const limits = ["supporting", "opposing"].map((channel) => createMapMaker()(sceneOf({ channel })).limits);
  assert.deepEqual(limits[0], limits[1]);
});

test("links are column and row of the rollout", () => {
  for (const channel of ["net", "supporting", "opposing"]) {
    const scene = sceneOf({ channel });
    const [plus, minus] = [1, -1].map((sign) => rollout(scene.signals, scene.fusion, sign));
    const shown = plus.map(
      (v, q) => (channel === "opposing" ? 0 : v) - (channel === "supporting" ? 0 : minus[q]),
    );
    if (channel !== "net") for (let t = 0; t < 5; t++) shown[t * 6] -= channel === "supporting" ? 1 : -1;
    const { gave, received, limit } = computeLinks(scene, [2]);
    near(
      gave,
      [0, 1, 2, 3, 4].map((i) => shown[i * 5 + 2]),
      1e-9,
    );
    near(
      received,
      [0, 1, 2, 3, 4].map((j) => shown[10 + j]),
      1e-9,
    );
    const others = [1, 3, 4].flatMap((u) => [gave[u], received[u]]);
    assert.equal(limit, Math.max(...others.map(Math.abs)));
  }
});

test("in one layer links are what this layer alone adds, and add up to its column", () => {
  const scene = sceneOf({ layer: 1 });
  const { gave } = computeLinks(scene, [3]);
  const total = gave.reduce((a, v) => a + v, 0);
  assert.ok(Math.abs(total - scene.evidence[3] * scene.x.weights[1]) < 1e-6);
});

test("without matrices there are maps, but no links", () => {
  const all = traits({ channel: "supporting" });
  const x = readExplanation((name) => (name === "_matrices" ? new DataView(new ArrayBuffer(0)) : all[name]));
  const scene = createSceneMaker()(x, { ...INITIAL, target: 1, channel: "supporting" });
  assert.equal(computeLinks(scene, [1]), null);
  assert.ok(createMapMaker()(scene).frames.every((row) => row.every((v) => v >= 0)));
});

test("the strongest other is never one of those asked about", () => {
  assert.equal(strongestOther([0.1, -0.9, 0.5], [1]), 2);
  assert.equal(strongestOther([0, 3, 0], [1]), null);
});

test("the picture keeps its colours without a map, and loses them to it", () => {
  const pixels = Uint8ClampedArray.of(200, 40, 10, 255);
  assert.deepEqual([...fadePixels(pixels, 0, [255, 255, 255])], [200, 40, 10, 255]);
  const [r, g, b] = fadePixels(pixels, 1, [255, 255, 255]);
  assert.ok(r === g && g === b && r > 84);
  const [dark] = fadePixels(pixels, 1, [0, 0, 0]);
  assert.ok(dark < 84);
});

test("any number of patches is picked, one by one or as a rectangle", () => {
  const store = createStore({ target: 1 });
  const all = traits();
  const make = createSceneMaker();
  const x = readExplanation((name) => all[name]);
  const scene = () => make(x, store.state);
  const actions = createPatchActions(createActions(store, scene, () => {}));
  const grid = readGrid(META, scene().units);
  for (const unit of [1, 2, 3, 4, 0]) actions.pick(unit, true);
  assert.deepEqual(store.state.selected, [1, 2, 3, 4, 0]);
  actions.pick(2, true);
  assert.deepEqual(store.state.selected, [1, 3, 4, 0]);
  actions.pick(2);
  assert.deepEqual(store.state.selected, [2]);
  actions.pick(2);
  assert.deepEqual(store.state.selected, []);
  actions.brush(grid, 1, 2, false);
  assert.deepEqual(store.state.selected, [1, 2, 3, 4]);
  actions.brush(grid, 1, 3, false);
  assert.deepEqual(store.state.selected, [2, 4]);
  assert.equal(store.state.dragging, true);
  actions.brushed();
  actions.undo();
  assert.deepEqual(store.state.selected, []);
  actions.redo();
  assert.deepEqual(store.state.selected, [2, 4]);
  actions.stop();
});

test("the keyboard walks over the grid and stays on it", () => {
  const store = createStore({ target: 1 });
  const all = traits();
  const make = createSceneMaker();
  const x = readExplanation((name) => all[name]);
  const scene = () => make(x, store.state);
  const actions = createPatchActions(createActions(store, scene, () => {}));
  const grid = readGrid(META, scene().units);
  store.set({ hover: 1 });
  const steps = [
    [0, 1, 2],
    [0, 1, 2],
    [1, 0, 4],
    [1, 0, 4],
    [0, -Infinity, 3],
    [-1, 0, 1],
    [0, Infinity, 2],
  ];
  for (const [down, along, unit] of steps) {
    actions.step(grid, down, along);
    assert.equal(store.state.hover, unit);
    assert.equal(store.state.preview, unit);
  }
  actions.hover(3);
  assert.equal(store.state.preview, null);
  actions.stop();
});

test("the caption tells of what is selected and of where its evidence went", () => {
  const told = (own) => {
    const scene = sceneOf(own);
    return patchStory(scene, (units) => computeLinks(scene, units))
      .map((p) => (typeof p === "string" ? p : (p.strong ?? p.text)))
      .join("");
  };
  assert.match(
    told({ selected: [2] }),
    /^row 1, column 2 brings .* rank \d of 4\. It gave most to .* and received most from .*\.$/,
  );
  assert.match(
    told({ selected: [2, 3] }),
    /^2 patches bring .*; \d+ % of all that supports, \d+ % of all that opposes\. They gave/,
  );
  assert.match(
    told({ selected: [2], layer: 1 }),
    /^Layer 1: row 1, column 2 has net .*, before the weight 0\.50\./,
  );
  assert.match(told({ layer: 1 }), /^Layer 1: /);
  assert.match(told({ play: 2 }), /^Decision: /);
});

test("picking the other class turns the map at once", async () => {
  const { el, saved, stop, find } = await mounted();
  const before = find(".ledger .sum b").textContent;
  [...el.querySelectorAll("[role=radio]")].find((n) => n.textContent.startsWith("negative")).click();
  await settle();
  assert.deepEqual(saved, [{ target: 0 }]);
  assert.equal(find(".ledger .sum b").textContent.slice(1), before.slice(1));
  assert.notEqual(find(".ledger .sum b").textContent, before);
  stop();
});

test("opacity is told to Python when the hand lets go", async () => {
  const { saved, stop, find } = await mounted();
  const slider = find("[aria-label='Opacity of the map']");
  slider.value = "0.4";
  slider.dispatchEvent(new window.Event("input"));
  await settle();
  assert.deepEqual(saved, []);
  assert.equal(slider.getAttribute("aria-valuetext"), "40 %");
  slider.dispatchEvent(new window.Event("change"));
  assert.deepEqual(saved, [{ opacity: 0.4 }]);
  stop();
});
