/**
 * What comes over the wire becomes plain arrays here.
 * Each name matches a trait of the Python side (`calig_nb/widgets/view.py`).
 */
import { abs, times } from "./maths.js";

/**
 * One explained input, as the views use it.
 * @typedef {object} Explanation
 * @property {string} [name] among those compared
 * @property {string} text
 * @property {string[]} tokens display text of each token
 * @property {boolean[]} special
 * @property {[number, number][]} offsets UTF-16 offsets of each token in `text`
 * @property {number[]} wordIds −1 for special tokens
 * @property {number[]} sentenceIds −1 for special tokens
 * @property {number[]} passageIds −1 for special tokens
 * @property {boolean[] | null} [second] which tokens are of the second of two texts
 * @property {number} lam the λ it came with
 * @property {boolean} [single] one signal, so that λ has nothing to weigh
 * @property {string[]} labels
 * @property {number[]} probs
 * @property {string} answer the class that the model says
 * @property {number} target
 * @property {number | null} contrast
 * @property {string[]} said what the model says of each class, in words
 * @property {"exclusive" | "independent" | "measured"} classes what `probs` are
 * @property {string} output
 * @property {number} score f(x)
 * @property {number} baseline f(x′)
 * @property {number[]} delta convergence delta, NaN where unknown
 * @property {number[]} weights layer weights, one per block
 * @property {string} recipe how it was made, in words
 * @property {string} inexact which layers may be off, in words; empty where all are exact
 * @property {number} gamma
 * @property {string} noHeads why single heads cannot be had; empty where they can
 * @property {"all" | "pooled"} readout
 * @property {boolean[]} pooled
 * @property {boolean} live another question can be asked from Python
 * @property {boolean} antisymmetric the mirrored question is this one with all signs flipped
 * @property {{bits: number, scales: number[], within?: string}}
 *   form of the matrices on the wire; within: what it costs, in words
 * @property {Float64Array[]} r (layers + 1) rows, units of f, finite
 * @property {[number, number][]} holes [layer, token] that were not numbers
 * @property {[number, number, number][]} gaps block,
 *   row and column of what was not a number in any matrix; r is the diagonal
 * @property {number} lost how many there are
 * @property {Float64Array[]} columns column sums of the attention relevance, one per block
 * @property {Float32Array[] | null} matrices the attention relevance, null until it has arrived
 */

/** @typedef {DataView | Uint8Array | ArrayBuffer | null | undefined} Bytes */

/**
 * A copy that starts on a boundary: typed arrays refuse odd offsets, and hosts do hand them out.
 * @param {Bytes} bytes
 */
export const readBytes = (bytes) => {
  if (!bytes) return new ArrayBuffer(0);
  if (bytes instanceof ArrayBuffer) return bytes;
  return /** @type {ArrayBuffer} */ (
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  );
};

/** @param {string} name for the message @param {ArrayBuffer} buffer @param {number} want bytes */
const measured = (name, { byteLength }, want) => {
  if (byteLength !== want) throw new Error(`${name} must hold ${want} bytes, got ${byteLength}.`);
};

/**
 * Rows of float32, widened.
 * @param {Bytes} bytes
 * @param {number} rows
 * @param {number} length of a row
 * @param {string} name for the message
 */
export const readRows = (bytes, rows, length, name) => {
  const buffer = readBytes(bytes);
  measured(name, buffer, 4 * rows * length);
  const all = new Float32Array(buffer);
  return times(rows, (b) => Float64Array.from(all.subarray(b * length, (b + 1) * length)));
};

/**
 * Square-root companded integers back to values: `q·|q|·scale`.
 * @param {Bytes} bytes
 * @param {{bits: number, scales: number[]}} form
 * @param {number} tokens
 * @returns {Float32Array[] | null} null when nothing has arrived yet
 */
export const readMatrices = (bytes, { bits, scales }, tokens) => {
  const buffer = readBytes(bytes);
  if (!buffer.byteLength) return null;
  const size = tokens * tokens;
  measured("_matrices", buffer, (scales.length * size * bits) / 8);
  const all = bits === 8 ? new Int8Array(buffer) : new Int16Array(buffer);
  const unit = bits === 8 ? 127 : 32767;
  return scales.map((scale, b) => {
    const values = new Float32Array(size);
    const k = scale / (unit * unit);
    for (let n = 0, q = b * size; n < size; n++, q++) values[n] = all[q] * abs(all[q]) * k;
    return values;
  });
};

/** @param {unknown[] | undefined} values @returns {number[]} */
const numbers = (values) => (values ?? []).map((v) => /** @type {number} */ (v ?? NaN));

/**
 * Values that are not numbers count as zero and are remembered, so that the views can mark them.
 * @param {Float64Array[]} rows
 * @param {[number, number][]} holes collects [row, column]
 */
const fill = (rows, holes) => {
  rows.forEach((row, b) => {
    row.forEach((v, t) => {
      if (Number.isFinite(v)) return;
      holes.push([b, t]);
      row[t] = 0;
    });
  });
  return rows;
};

/**
 * @param {(name: string) => any} get reads one trait
 * @returns {Explanation}
 */
export const readExplanation = (get) => {
  const meta = get("_meta");
  const fusion = meta.fusion;
  const weights = numbers(meta.layer_weights).map((w) => w || 0);
  const T = meta.tokens.length;
  const L = weights.length;
  /** @type {[number, number][]} */
  const holes = [];
  const r = fill(readRows(get("_r"), L + 1, T, "_r"), holes);
  return {
    text: meta.text,
    tokens: meta.tokens,
    special: meta.special,
    offsets: meta.offsets,
    wordIds: meta.word_ids,
    sentenceIds: meta.sentence_ids,
    passageIds: meta.passage_ids,
    second: meta.second,
    labels: meta.labels,
    probs: numbers(meta.probs),
    answer: meta.answer,
    target: meta.target,
    contrast: meta.contrast ?? null,
    said: meta.said,
    classes: meta.classes,
    output: meta.output,
    score: meta.score ?? NaN,
    baseline: meta.baseline_scores[0] ?? NaN,
    delta: numbers(meta.convergence_delta),
    weights,
    recipe: meta.recipe,
    inexact: meta.inexact ?? "",
    lam: fusion.lam,
    single: meta.single,
    gamma: fusion.gamma,
    readout: fusion.readout,
    pooled: fusion.pooled,
    noHeads: meta.no_heads,
    live: meta.live,
    antisymmetric: meta.antisymmetric,
    form: meta.matrix,
    r,
    holes,
    gaps: [
      ...holes.map(([b, t]) => /** @type {[number, number, number]} */ ([b, t, t])),
      ...(meta.gaps ?? []),
    ],
    lost: holes.length + (meta.gap_count ?? 0),
    columns: fill(readRows(get("_G_columns"), L, T, "_G_columns"), []),
    matrices: readMatrices(get("_matrices"), meta.matrix, T),
  };
};
