import { readExplanation } from "../src/evidence/wire.js";

/** A small made-up explanation, as traits. */

/** @param {ArrayBufferView} array @param {number} [odd] bytes by which the view is shifted */
export function view(array, odd = 0) {
  const buffer = new Uint8Array(array.byteLength + odd);
  buffer.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), odd);
  return new DataView(buffer.buffer, odd, array.byteLength);
}

/** @param {{odd?: number, meta?: object, matrices?: boolean}} [options] */
export function sample({ odd = 0, meta = {}, matrices = true } = {}) {
  const [T, L] = [5, 2];
  const r = Float32Array.from({ length: (L + 1) * T }, (_, i) => Math.sin(i * 1.7));
  const q = Int16Array.from({ length: L * T * T }, (_, i) => Math.round(32767 * Math.sin(i * 0.9)));
  const scales = [0.4, 0.2];
  const columns = new Float32Array(L * T);
  q.forEach((v, n) => {
    const b = Math.floor(n / (T * T));
    columns[b * T + (n % T)] += ((v * Math.abs(v)) / 32767 ** 2) * scales[b];
  });
  return {
    _view: "workbench",
    _meta: {
      version: 1,
      text: "not good.",
      tokens: ["[CLS]", "not", "good", ".", "[SEP]"],
      special: [1, 0, 0, 0, 1],
      offsets: [
        [0, 0],
        [0, 3],
        [4, 8],
        [8, 9],
        [0, 0],
      ],
      word_ids: [-1, 0, 1, 2, -1],
      sentence_ids: [-1, 0, 0, 0, -1],
      passage_ids: [-1, 0, 0, 0, -1],
      labels: ["negative", "positive"],
      probs: [0.2, 0.8],
      answer: "positive",
      target: 1,
      contrast: null,
      said: ["20.0 %", "80.0 %"],
      classes: "exclusive",
      output: "margin",
      score: 2,
      baseline_scores: [0.5, 0.5, 0.5],
      baseline: "[PAD]",
      method: "CA-LIG",
      convergence_delta: [0.01, 0, null],
      n_steps: [9, 7, 3],
      converged: [1, 1, 0],
      layer_weights: [1, 0.5],
      recipe: "",
      fusion: { lam: 0.5, gamma: 1, readout: "all", pooled: [0, 0, 0, 0, 0] },
      live: false,
      antisymmetric: true,
      no_heads: "Single heads need a running kernel.",
      matrix: { bits: 16, scales },
      ...meta,
    },
    _r: view(r, odd),
    _G_columns: view(columns, odd),
    _matrices: matrices ? view(q, odd) : new DataView(new ArrayBuffer(0)),
    _busy: false,
    _error: "",
    selected: [],
    layer: null,
    lam: 0.5,
    channel: "net",
    granularity: "word",
    theme: "auto",
    target: 1,
    contrast: null,
    span: null,
    play: null,
  };
}

/** The explanation read from a sample's traits. @param {object} [options] */
export function sampleExplanation(options) {
  const traits = sample(options);
  return readExplanation((name) => traits[name]);
}
