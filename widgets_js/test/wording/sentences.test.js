import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { createComparisonMaker } from "../../src/evidence/comparison.js";
import { fill } from "../../src/evidence/design.js";
import {
  countDigits,
  formatError,
  formatNumber,
  formatPercent,
  formatSigned,
  layerName,
  shorten,
} from "../../src/evidence/format.js";
import { createMatrixMaker } from "../../src/evidence/matrix.js";
import { rollAllBlocks } from "../../src/evidence/rollout.js";
import { createSceneMaker } from "../../src/evidence/scene.js";
import { distinctLabels } from "../../src/evidence/units.js";
import { readExplanation } from "../../src/evidence/wire.js";
import { createPicturesMaker, sumSelected } from "../../src/patches/evidence/comparison.js";
import { computeLinks } from "../../src/patches/evidence/map.js";
import { picturesStory } from "../../src/patches/wording/comparison_story.js";
import { patchStory } from "../../src/patches/wording/story.js";
import { INITIAL } from "../../src/state/store.js";
import { comparisonStory } from "../../src/wording/comparison_story.js";
import { matrixStory, readingNote } from "../../src/wording/matrix_story.js";
import { flowStory, tell, textStory } from "../../src/wording/story.js";

// What Python's figures say: the views say the same.
const vectors = JSON.parse(
  readFileSync(new URL("../../../tests/data/sentences.json", import.meta.url), "utf8"),
);

/** An explanation as a view gets it. @param {string} name */
const read = (name) => {
  const own = vectors.explanations[name];
  const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64"));
  return { ...readExplanation((trait) => (trait === "_meta" ? own._meta : bytes(own[trait]))), name };
};

/** A sentence as plain text. @param {import("../../src/wording/story.js").Part[]} story */
const textOf = (story) =>
  story.map((part) => (typeof part === "string" ? part : (part.strong ?? part.text))).join("");

/** All matrices at once. */
const source = {
  heads: () => null,
  frames({ signals, fusion }, b, alone) {
    const pairs = rollAllBlocks(signals, fusion, alone ? b : 0, b + 1);
    return { pair: pairs.at(-1), film: pairs, late: false };
  },
};

const TOLD = {
  flow: (scene) => [textOf(flowStory(scene))],
  text: (scene) => [textOf(textStory(scene))],
  matrix(scene) {
    const m = createMatrixMaker()(scene, source);
    return [textOf(matrixStory(m)), readingNote(m)];
  },
  patches: (scene) => [textOf(patchStory(scene, (units) => computeLinks(scene, units)))],
};

for (const { view, name, state, told } of vectors.stories)
  test(`the ${view} of ${name} says what the figure says: ${JSON.stringify(state)}`, () => {
    const x = read(name);
    const scene = createSceneMaker()(x, { ...INITIAL, granularity: "word", target: x.target, ...state });
    assert.deepEqual(TOLD[view](scene).slice(0, told.length), told);
  });

for (const { view, names, state, rows, told } of vectors.compared)
  test(`${view} of ${names.join(" and ")}: ${JSON.stringify(state)}`, () => {
    const all = names.map(read);
    const now = { ...INITIAL, granularity: "word", target: -1, lam: null, ...state };
    const scene = createComparisonMaker()(all, rows, now);
    if (view === "comparison") return assert.deepEqual([textOf(comparisonStory(scene))], told);
    const items = names.map((name) => {
      const grid = vectors.explanations[name]._grid;
      return { _place: { grid, size: grid } };
    });
    const pictures = createPicturesMaker()(scene, items);
    const sums = names.map((_, i) => sumSelected(scene, pictures, i));
    const differences = names.flatMap((_, i) =>
      pictures.differences[i] ? [sumSelected(scene, pictures, i, true)] : [],
    );
    assert.deepEqual(
      [textOf(picturesStory(scene, pictures)), ...pictures.lacking, ...sums, ...differences],
      told,
    );
  });

test("numbers and names are printed as Python prints them", () => {
  const numbers = vectors.numbers.map((v) => v ?? NaN);
  const labels = distinctLabels(vectors.names);
  assert.deepEqual(
    {
      signed: numbers.map((v) => formatSigned(v)),
      number: numbers.map((v) => formatNumber(v, 3)),
      percent: numbers.map((v) => formatPercent(Math.abs(v))),
      error: numbers.map((v) => formatError(Math.abs(v))),
      digits: numbers.map(countDigits),
      labels,
      short: labels.map((name) => shorten(name, 16)),
      layers: [0, 1, 2, 3].map((b) => layerName({ weights: [1, 1, 1] }, b)),
    },
    vectors.written,
  );
});

test("a template is filled in place; stars are bold, and what fills a place is not read again", () => {
  assert.equal(fill("{a} of {b}, {a}", { a: "{b}", b: 3 }), "{b} of 3, {b}");
  const word = { unit: 2, text: "good" };
  assert.deepEqual(
    tell("{word} brings {plus}: *net {net}*{rest}", { word, plus: "*", net: "+1", rest: [] }),
    [word, " brings *: ", { strong: "net +1" }],
  );
});
