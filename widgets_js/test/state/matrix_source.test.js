import assert from "node:assert/strict";
import test from "node:test";
import { createSceneMaker } from "../../src/evidence/scene.js";
import { readExplanation } from "../../src/evidence/wire.js";
import { createMatrixSource } from "../../src/state/matrix_source.js";
import { INITIAL } from "../../src/state/store.js";
import { sample, sampleExplanation } from "../../testing/sample.js";

/** A short input whose matrices the page works out itself. */
function short() {
  const scene = createSceneMaker()(sampleExplanation(), { ...INITIAL, target: 1, granularity: "token" });
  return { scene: () => scene };
}

/** A long input whose rollout is not worth waiting for. */
function long() {
  const T = 330;
  const ids = [...Array(T).keys()];
  const r = Float32Array.from({ length: 3 * T }, (_, i) => Math.sin(i * 1.7));
  const q = Int8Array.from({ length: 2 * T * T }, (_, i) => Math.round(90 * Math.sin(i * 0.9)));
  const traits = sample({
    meta: {
      tokens: ids.map(String),
      special: ids.map(() => 0),
      offsets: ids.map(() => [0, 0]),
      word_ids: ids,
      sentence_ids: ids.map(() => 0),
      matrix: { bits: 8, scales: [0.4, 0.2] },
      no_heads: "",
    },
  });
  const x = readExplanation(
    (name) =>
      ({
        _r: new DataView(r.buffer),
        _G_columns: new DataView(new Float32Array(2 * T).fill(1).buffer),
        _matrices: new DataView(q.buffer),
      })[name] ?? traits[name],
  );
  const make = createSceneMaker();
  const state = { ...INITIAL, target: 1, granularity: "token" };
  return { T, scene: (patch = {}) => make(x, { ...state, ...patch }) };
}

test("short inputs are worked out in the page, a layer alone and up to it", () => {
  const { scene } = short();
  const sent = [];
  const matrices = createMatrixSource(
    (content) => sent.push(content),
    () => {},
  );
  const upto = matrices.frames(scene(), 1, false);
  const alone = matrices.frames(scene(), 1, true);
  assert.equal(upto.late, false);
  assert.equal(upto.film.length, 2);
  assert.notDeepEqual(upto.pair.plus, alone.pair.plus);
  assert.deepEqual(matrices.frames(scene(), 0, false).pair.plus, matrices.frames(scene(), 0, true).pair.plus);
  assert.deepEqual(sent, []);
  matrices.stop();
});

test("long inputs are asked of Python, once, and late answers are dropped", () => {
  const { T, scene } = long();
  const sent = [];
  let changed = 0;
  const matrices = createMatrixSource(
    (content) => sent.push(content),
    () => changed++,
  );
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
  assert.ok(
    !frames.late && Math.abs(frames.pair.plus[7] - 3) < 1e-6 && Math.abs(frames.pair.minus[7] - 5) < 1e-6,
  );
  assert.equal(frames.film.length, 2);
  matrices.frames(scene(), 1, false);
  assert.equal(sent.at(-1).film, false, "the film is already here");
  assert.equal(changed, 2);
  matrices.stop();
});

test("an answer for another λ is dropped even where the layer is the same", () => {
  const { T, scene } = long();
  const sent = [];
  const matrices = createMatrixSource(
    (content) => sent.push(content),
    () => {},
  );
  matrices.frames(scene(), 1, false);
  matrices.frames(scene({ lam: 0.9 }), 1, false);
  assert.deepEqual(
    sent.map(({ id, lam, layer }) => [id, lam, layer]),
    [
      [1, 0.5, 1],
      [2, 0.9, 1],
    ],
  );
  const pair = new DataView(new Int16Array(2 * T * T).buffer);
  matrices.receive({ kind: "rollout", id: 1, layer: 1, bits: 16, scales: [1, 1] }, [pair], T);
  assert.equal(matrices.frames(scene({ lam: 0.9 }), 1, false).pair, null);
  matrices.stop();
});

test("where Python fails, the page works the rollout out by itself", async () => {
  const { T, scene } = long();
  const sent = [];
  const matrices = createMatrixSource(
    (content) => sent.push(content),
    () => {},
  );
  const thin = (patch) => {
    const s = scene(patch);
    // Almost no links: the same work, quickly done.
    for (const g of s.signals.matrices) g.fill(0);
    return s;
  };
  matrices.frames(thin(), 1, false);
  matrices.receive({ kind: "rollout", id: 1, layer: 1, error: "broken" }, [], T);
  for (let i = 0; i < 100 && matrices.frames(thin(), 1, false).late; i++)
    await new Promise((ok) => setTimeout(ok, 20));
  const { pair, film } = matrices.frames(thin(), 1, false);
  assert.ok(pair?.plus.some((v) => v > 0));
  assert.ok(film === null || film.length === 2);
  matrices.stop();
});

test("heads are asked for once and refused in words", () => {
  const { T, scene } = long();
  const sent = [];
  const matrices = createMatrixSource(
    (content) => sent.push(content),
    () => {},
  );
  assert.equal(matrices.heads(scene(), 1, false), null);
  matrices.heads(scene(), 1, true);
  assert.deepEqual(matrices.heads(scene(), 1, true), { heads: null, reason: "" });
  assert.deepEqual(sent, [{ kind: "heads", layer: 1 }]);
  matrices.receive(
    { kind: "heads", layer: 1, bits: 8, scales: [2, 1] },
    [new DataView(new Int8Array(2 * T * T).fill(127).buffer)],
    T,
  );
  assert.equal(matrices.heads(scene(), 1, true).heads.length, 2);
  matrices.receive({ kind: "heads", layer: 0, error: "layer 0 was not kept." }, [], T);
  assert.equal(matrices.heads(scene(), 0, true).reason, "layer 0 was not kept.");
  const without = short();
  assert.match(
    createMatrixSource(
      () => {},
      () => {},
    ).heads(without.scene(), 0, true).reason,
    /kernel/,
  );
});
