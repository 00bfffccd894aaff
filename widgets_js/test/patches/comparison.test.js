import assert from "node:assert/strict";
import test from "node:test";
import { createExplanations } from "../../src/host/explanations.js";
import { countColumns, createPicturesMaker, sumSelected } from "../../src/patches/evidence/comparison.js";
import { picturesStory } from "../../src/patches/wording/comparison_story.js";
import bundle from "../../src/pictures.js";
import { INITIAL } from "../../src/state/store.js";
import { mockModel } from "../../testing/mock_model.js";
import { settle, window } from "../../testing/page.js";
import { sample, view } from "../../testing/sample.js";

const { render } = bundle;

const names = (rows, columns) => [
  "[CLS]",
  ...Array.from(
    { length: rows * columns },
    (_, p) => `row ${Math.floor(p / columns) + 1}, column ${(p % columns) + 1}`,
  ),
];
/** One of four patches, as it is sent. */
const item = (name, meta = {}, own = {}) => ({
  ...sample({
    meta: {
      text: "",
      tokens: names(2, 2),
      special: [1, 0, 0, 0, 0],
      offsets: Array(5).fill([0, 0]),
      word_ids: [-1, 0, 1, 2, 3],
      sentence_ids: [-1, 0, 0, 1, 1],
      passage_ids: [-1, 0, 0, 0, 0],
      ...meta,
    },
  }),
  _name: name,
  _place: { grid: [2, 2], size: [20, 30] },
  _method: name,
  _again: false,
  _picture: null,
  ...own,
});
const LIKE = Array.from({ length: 5 }, (_, n) => [[n], [n]]);
/** A column of four patches: nothing but [CLS] corresponds. */
const TALL = { _place: { grid: [4, 1], size: [40, 10] } };
const APART = [[[0], [0]], ...[1, 2, 3, 4].map((n) => [[n], []]), ...[1, 2, 3, 4].map((n) => [[], [n]])];
const two = () => [
  item("one"),
  item(
    "other",
    { fusion: { lam: 0.1, gamma: 1, readout: "all", pooled: [0, 0, 0, 0, 0] } },
    { _again: true },
  ),
];
const apart = () => [item("one"), item("tall", { tokens: names(4, 1) }, TALL)];

const traits = (items, rows, own = {}) => ({
  _view: "comparison",
  _items: items,
  _rows: { token: rows },
  _busy: false,
  _error: "",
  selected: [],
  layer: null,
  lam: null,
  granularity: "token",
  theme: "auto",
  opacity: 0.8,
  ...own,
});
const shown = (items, rows, own = {}) => {
  const all = traits(items, rows, own);
  const scene = createExplanations((name) => all[name]).scene({
    ...INITIAL,
    target: -1,
    lam: null,
    granularity: "token",
    ...own,
  });
  return { scene, pictures: createPicturesMaker()(scene, items) };
};
const told = (parts) => parts.map((p) => (typeof p === "string" ? p : (p.strong ?? p.text))).join("");

test("a patch has one number in all pictures, and its difference is second less first", () => {
  const { scene, pictures } = shown(two(), LIKE);
  assert.ok(pictures.shared);
  assert.deepEqual(
    pictures.grids.map((g) => g.patches),
    [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ],
  );
  assert.equal(pictures.differences[0], null);
  for (const [n, v] of pictures.differences[1].entries())
    assert.equal(v, scene.values[n][1] - scene.values[n][0]);
  assert.deepEqual(pictures.names, ["[CLS]", "1 · 1", "1 · 2", "2 · 1", "2 · 2"]);
});

test("one scale holds for all pictures and their differences", () => {
  const { scene, pictures } = shown(two(), LIKE);
  const all = [1, 2, 3, 4].flatMap((n) => [...scene.values[n], scene.changes[n]]);
  assert.ok(Math.abs(pictures.limit - Math.max(...all.map(Math.abs))) < 1e-12);
  // What is turned differs by twice as much: nothing is cut off.
  const [one] = two();
  const negated = (data, Kind) => view(new Kind(data.buffer.slice(data.byteOffset)).map((v) => -v));
  const turned = {
    ...one,
    _r: negated(one._r, Float32Array),
    _G_columns: negated(one._G_columns, Float32Array),
    _matrices: negated(one._matrices, Int16Array),
  };
  const both = shown([one, turned], LIKE);
  const own = Math.max(...[1, 2, 3, 4].map((n) => Math.abs(both.scene.values[n][0])));
  assert.ok(Math.abs(both.pictures.limit - 2 * own) < 1e-6);
});

test("the numbers are made anew only when they change", () => {
  const items = two();
  const all = traits(items, LIKE);
  const stage = createExplanations((name) => all[name]);
  const make = createPicturesMaker();
  const at = (own) =>
    make(stage.scene({ ...INITIAL, target: -1, lam: null, granularity: "token", ...own }), items);
  const rest = at({});
  assert.equal(at({ hover: 2, selected: [3] }), rest);
  assert.notEqual(at({ lam: 0.9 }), rest);
  assert.notEqual(at({ layer: 1 }), rest);
});

test("without a common grid there is no difference, and it is said why", () => {
  const { scene, pictures } = shown(apart(), APART);
  assert.equal(pictures.shared, false);
  assert.deepEqual(pictures.differences, [null, null]);
  assert.deepEqual(pictures.lacking, [
    "No difference between one and tall: 2 × 2 patches there, 4 × 1 here.",
  ]);
  assert.deepEqual(pictures.grids[1].patches, [5, 6, 7, 8]);
  assert.match(
    told(picturesStory(scene, pictures)),
    /^Grids of 2 × 2 and 4 × 1 patches differ, .* Strongest: one row \d, column \d .*; tall row \d, column 1 .*\.$/,
  );
  const chosen = shown(apart(), APART, { selected: [7] });
  assert.match(told(picturesStory(chosen.scene, chosen.pictures)), /^tall row 3, column 1 [+−]\d\.\d+\.$/);
  assert.equal(sumSelected(chosen.scene, chosen.pictures, 0), "selected: no patch of this grid");
});

test("the caption tells of few patches one by one, of many together", () => {
  const say = (own) => {
    const { scene, pictures } = shown(two(), LIKE, own);
    return told(picturesStory(scene, pictures));
  };
  assert.match(say({}), /^They differ most at row \d, column \d from .* to /);
  assert.match(say({ selected: [2] }), /^row 1, column 2 from .* to .*\.$/);
  assert.match(say({ selected: [2], preview: 3 }), /^row 2, column 1 from /);
  assert.match(say({ selected: [1, 2, 3, 4] }), /^4 patches: one .*; other .*; difference .*\.$/);
});

test("under each picture stands what is selected, or all, comes to", () => {
  const { scene, pictures } = shown(two(), LIKE);
  assert.match(sumSelected(scene, pictures, 0), /^in all: net [+−]\S+ for positive$/);
  assert.match(sumSelected(scene, pictures, 1, true), /^in all: [+−]?\d\.\d+$/);
  const chosen = shown(two(), LIKE, { selected: [2, 3] });
  const sum = chosen.scene.changes[2] + chosen.scene.changes[3];
  assert.equal(
    Number(sumSelected(chosen.scene, chosen.pictures, 1, true).split(": ")[1].replace("−", "-")).toFixed(2),
    sum.toFixed(2),
  );
});

test("as many stand beside each other as have room", () => {
  const cases = [
    [328, 2, 1, 1],
    [500, 2, 1, 2],
    [632, 2, 1, 3],
    [1168, 2, 1, 3],
    [1168, 2, 0, 2],
    [668, 4, 3, 2],
    [1168, 4, 3, 4],
    [668, 3, 2, 3],
    [100, 4, 3, 1],
  ];
  for (const [width, count, differences, columns] of cases)
    assert.equal(countColumns(width, count, differences), columns);
});

async function mounted(items, rows, own) {
  const saved = [];
  const model = mockModel(traits(items, rows, own), { onSave: (c) => saved.push(c) });
  const el = document.createElement("div");
  document.body.append(el);
  const stop = render({ model, el });
  await settle();
  return { model, el, stop, saved, all: (selector) => [...el.querySelectorAll(selector)] };
}

test("the view mounts with a picture for each and their difference, and leaves nothing behind", async () => {
  const { model, el, stop, all } = await mounted(two(), LIKE);
  assert.deepEqual(
    all(".plates .side-of:not([hidden]) b").map((n) => n.textContent),
    ["one", "other", "other less one"],
  );
  assert.equal(all(".cursor").length, 2);
  assert.match(
    all(".cursor")[0].getAttribute("aria-label"),
    /^1: one\. row \d, column \d: one \S+, other \S+, difference \S+\. Arrows/,
  );
  assert.equal(all(".play").length, 0);
  assert.ok(!/Space/.test(all(".help")[0].textContent));
  assert.match(all(".difference tbody .word")[0].textContent, /^\d · \d$/);
  stop();
  assert.equal(model.subscribed(), 0);
  assert.equal(el.childNodes.length, 0);
});

test("apart there are two pictures, no difference, no rows", async () => {
  const { stop, all } = await mounted(apart(), APART);
  assert.deepEqual(
    all(".plates .side-of:not([hidden]) b").map((n) => n.textContent),
    ["one", "tall"],
  );
  assert.ok(all(".difference")[0].hidden);
  assert.match(all(".how")[0].textContent, /^No difference between one and tall/);
  stop();
});

test("a patch of the caption is picked in all", async () => {
  const { stop, saved, all } = await mounted(two(), LIKE);
  const word = all(".caption .word")[0];
  word.dispatchEvent(new window.MouseEvent("click", { bubbles: true }));
  await settle();
  assert.deepEqual(saved, [{ selected: [Number(word.dataset.unit)] }]);
  assert.ok(
    all(".foot")
      .slice(0, 2)
      .every((n) => n.textContent.startsWith("selected: ")),
  );
  stop();
});
