import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { steps, strongestSteps } from "../../src/evidence/ancestry.js";
import { fuse, layerWeights, normaliseSignals, rollout } from "../../src/evidence/fusion.js";

const vectors = JSON.parse(readFileSync(new URL("../../../tests/data/fusion.json", import.meta.url), "utf8"));

const fusionOf = (v) => ({
  lam: v.lam,
  gamma: v.gamma,
  weights: v.layer_weights,
  readout: v.readout,
  pooled: v.pooled.map(Boolean),
});
const signalsOf = (v) =>
  normaliseSignals(
    v.r,
    v.G.map((g) => Float64Array.from(g.flat())),
  );

function close(actual, expected, name, tolerance = 1e-5) {
  assert.equal(actual.length, expected.length, name);
  Array.from(actual).forEach((a, i) => {
    const error = Math.abs(a - expected[i]) / Math.max(1, Math.abs(expected[i]));
    assert.ok(error <= tolerance, `${name}[${i}]: ${a} is not ${expected[i]}`);
  });
}

test("there are vectors to compare with", () => assert.ok(vectors.length >= 5));

for (const [n, v] of vectors.entries()) {
  const title = `vector ${n} (${v.r.length - 1} blocks, ${v.r[0].length} tokens, ${v.readout})`;
  test(`${title}: read-outs agree with Python`, () => {
    const f = fuse(signalsOf(v), fusionOf(v));
    close(f.supporting, v.expected.supporting, "supporting");
    close(f.opposing, v.expected.opposing, "opposing");
    close(
      f.supporting.map((s, t) => s - f.opposing[t]),
      v.expected.attributions,
      "attributions",
    );
    close(f.entering.supporting, v.expected.entering_supporting, "entering_supporting");
    close(f.entering.opposing, v.expected.entering_opposing, "entering_opposing");
  });

  test(`${title}: the rolled-out matrices agree with Python`, () => {
    close(rollout(signalsOf(v), fusionOf(v), 1), v.expected.rollout_supporting.flat(), "supporting");
    close(rollout(signalsOf(v), fusionOf(v), -1), v.expected.rollout_opposing.flat(), "opposing");
  });

  test(`${title}: layer weights agree with Python`, () => {
    close(layerWeights([v.r], [v.special.map(Boolean)]), v.expected.input_weights, "weights");
  });

  test(`${title}: what enters at each block adds up to the evidence`, () => {
    const f = fuse(signalsOf(v), fusionOf(v));
    const total = (a) => a.reduce((x, y) => x + y, 0);
    close([total(f.entering.supporting)], [total(f.supporting)], "supporting", 1e-12);
    close([total(f.entering.opposing)], [total(f.opposing)], "opposing", 1e-12);
  });

  test(`${title}: the ribbons of every word sum to its evidence exactly`, () => {
    const T = v.r[0].length;
    const f = fuse(signalsOf(v), fusionOf(v));
    const units = { of: [...Array(T).keys()], count: T };
    for (let t = 0; t < T; t++) {
      const edges = steps(signalsOf(v), fusionOf(v), [t], units, 0);
      const sum = (sign) => edges.filter((e) => e.sign === sign).reduce((a, e) => a + e.mass, 0);
      close([sum(1), sum(-1)], [f.supporting[t], f.opposing[t]], `token ${t}`, 1e-12);
    }
  });
}

test("ribbons of a word of several pieces sum to the pieces' evidence, between units", () => {
  const v = vectors.find((x) => x.r[0].length === 12);
  const of = [0, 1, 1, 1, 2, 3, 4, 5, 5, 6, 7, 8];
  const f = fuse(signalsOf(v), fusionOf(v));
  const edges = steps(signalsOf(v), fusionOf(v), [1, 2, 3], { of, count: 9 }, 0);
  const sum = (sign) => edges.filter((e) => e.sign === sign).reduce((a, e) => a + e.mass, 0);
  const want = (values) => values[1] + values[2] + values[3];
  close([sum(1), sum(-1)], [want(f.supporting), want(f.opposing)], "word", 1e-12);
});

test("ignoring what is too small to follow loses less than can be seen", () => {
  const v = vectors.find((x) => x.r[0].length === 12);
  const units = { of: [...Array(12).keys()], count: 12 };
  const mass = (edges) => edges.reduce((a, e) => a + e.mass, 0);
  const all = mass(steps(signalsOf(v), fusionOf(v), [3], units, 0));
  close([mass(steps(signalsOf(v), fusionOf(v), [3], units))], [all], "mass", 1e-3);
});

test("asked for the largest steps only, those are found that all would begin with", () => {
  for (const v of vectors) {
    const T = v.r[0].length;
    for (const size of [1, 2, 5]) {
      const of = [...Array(T).keys()].map((t) => Math.floor(t / size));
      const units = { of, count: of[T - 1] + 1 };
      const word = [...of.keys()].filter((t) => of[t] === of[T >> 1]);
      const masses = (most) =>
        steps(signalsOf(v), fusionOf(v), word, units, 0, most)
          .map((e) => e.mass)
          .sort((a, b) => b - a);
      const all = masses();
      for (const most of [1, 5, 40])
        close(masses(most), all.slice(0, most), `${most} of units of ${size}`, 1e-12);
    }
  }
});

test("the many small steps of a broad unit count together", () => {
  const T = 5;
  const one = Float64Array.from({ length: T * T }, (_, q) => (q ? 0 : 1));
  const all = new Float64Array(T * T).fill(1);
  const signals = normaliseSignals(
    [0, 1, 2].map(() => new Float64Array(T)),
    [one, all],
  );
  const fusion = { lam: 0, gamma: 1, weights: [1, 1], readout: "all", pooled: Array(T).fill(false) };
  const [edge] = steps(signals, fusion, [...Array(T).keys()], { of: Array(T).fill(0), count: 1 }, 0, 1);
  // Five tokens hold 1, the first one 1 more; of each a twenty-fifth goes to each.
  assert.deepEqual({ ...edge, mass: Number(edge.mass.toFixed(9)) }, { b: 1, k: 0, i: 0, mass: 1.2, sign: 1 });
});

test("the drawn ribbons hang together and carry the share they claim", () => {
  const v = vectors.find((x) => x.r[0].length === 12);
  const units = { of: [...Array(12).keys()], count: 12 };
  const edges = steps(signalsOf(v), fusionOf(v), [3], units);
  const total = edges.reduce((a, e) => a + e.mass, 0);
  const { edges: drawn, drawn: mass } = strongestSteps(edges, 3, total);
  assert.ok(drawn.length > 0 && drawn.length <= 40);
  close([drawn.reduce((a, e) => a + e.mass, 0)], [mass], "drawn");
  const reached = new Set(["1 3", "-1 3"]);
  for (const e of drawn) {
    assert.ok(reached.has(`${e.sign} ${e.k}`), `block ${e.b}: ${e.k} was never reached`);
    reached.add(`${e.sign} ${e.i}`);
  }
});

test("before the matrices arrive the values are first-order and say so", () => {
  const v = vectors.find((x) => x.r[0].length === 7);
  const full = signalsOf(v);
  const first = fuse(normaliseSignals(v.r, null, full.columns), fusionOf(v));
  assert.equal(first.exact, false);
  const want = full.columns[0].map((_, t) =>
    v.layer_weights.reduce(
      (a, w, b) =>
        a + w * v.gamma * Math.max(0, v.lam * full.states[b][t] + (1 - v.lam) * full.columns[b][t]),
      0,
    ),
  );
  close(first.supporting, want, "supporting", 1e-12);
});

test("a layer without relevance stays zero", () => {
  const zero = normaliseSignals(
    [
      [0, 0],
      [1, -1],
    ],
    [Float64Array.from([0, 0, 0, 0])],
  );
  assert.deepEqual([...zero.states[0], ...zero.columns[0]], [0, 0, 0, 0]);
});
