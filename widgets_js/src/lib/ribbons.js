/**
 * Ribbons of the active words, as quadrilaterals with curved sides.
 *
 * A word's evidence starts as a seed in its own column.  At every level the evidence already carried
 * into a position stands there as a vertical band that widens by what the block adds and never narrows.
 */
import { clamp } from "./format.js";

/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("./ancestry.js").Edge} Edge */

/**
 * @typedef {object} Ribbon
 * @property {number} unit whose evidence it is
 * @property {1 | -1} sign
 * @property {number} b block; the number of blocks for the funnel
 * @property {number} from unit it leaves
 * @property {number} to unit it reaches
 * @property {[number, number]} low x extent at the lower end
 * @property {[number, number]} high
 * @property {number} yLow
 * @property {number} yHigh
 * @property {boolean} funnel
 */

/** @typedef {{unit: number, sign: 1 | -1, mass: number, bar: [number, number], lens: [number, number]}} Segment */

/**
 * @typedef {object} Flow
 * @property {Ribbon[]} ribbons
 * @property {Segment[]} segments of the balance that belong to the active words
 * @property {number} scale px per unit of evidence, in the balance
 * @property {number} magnification of the ribbons against the balance
 * @property {number} zero x of the balance's zero
 * @property {number} y top of the balance
 * @property {number} lensY level where the ribbons land
 */

/**
 * One word's evidence of one sign: its edges, and what has been carried to each position before block b.
 * @typedef {{unit: number, sign: 1 | -1, edges: Edge[], carried: Map<number, number>[]}} Strand
 */

/** @param {number[]} active @param {(unit: number) => {edges: Edge[]} | null} ancestry @param {number} L @returns {Strand[]} */
function strands(active, ancestry, L) {
  return active.flatMap((unit) =>
    /** @type {(1 | -1)[]} */ ([-1, 1]).flatMap((sign) => {
      const edges = (ancestry(unit)?.edges ?? []).filter((e) => e.sign === sign);
      if (!edges.length) return [];
      /** @type {Map<number, number>[]} */
      const carried = [new Map()];
      for (let b = 0; b < L; b++) {
        const next = new Map(carried[b]);
        for (const e of edges) if (e.b === b) next.set(e.i, (next.get(e.i) ?? 0) + e.mass);
        carried.push(next);
      }
      return [{ unit, sign, edges, carried }];
    }),
  );
}

/** @param {Strand} strand @param {number} i */
const key = ({ unit, sign }, i) => `${unit} ${sign} ${i}`;

/**
 * Bands side by side at every position of one level: opposing left, supporting right.
 * @param {Strand[]} all @param {number} b @param {number} k px per unit @param {Layout} layout
 */
function stack(all, b, k, layout) {
  /** @type {Map<number, [Strand, number][]>} */
  const at = new Map();
  for (const strand of all.toSorted((a, c) => a.sign - c.sign))
    for (const [i, mass] of strand.carried[b]) {
      const list = at.get(i);
      if (list) list.push([strand, mass]);
      else at.set(i, [[strand, mass]]);
    }
  /** @type {Map<string, [number, number]>} */
  const place = new Map();
  for (const [i, list] of at) {
    let x = layout.x(i) - (list.reduce((a, [, m]) => a + m, 0) * k) / 2;
    for (const [strand, mass] of list) {
      place.set(key(strand, i), [x, x + mass * k]);
      x += mass * k;
    }
  }
  return place;
}

/**
 * The ribbons of one strand between block b and the level above it.
 * @param {Strand} strand @param {number} b @param {number} k @param {Layout} layout
 * @param {Map<string, [number, number]>[]} places
 * @returns {Ribbon[]}
 */
function gap(strand, b, k, layout, places) {
  const edges = strand.edges.filter((e) => e.b === b);
  const { unit, sign } = strand;
  const seed = (/** @type {number} */ i) => {
    const x = layout.x(i) + sign * 0.6;
    return /** @type {[number, number]} */ ([x, x]);
  };
  const below = (/** @type {number} */ i) => places[b].get(key(strand, i)) ?? seed(i);
  const common = { unit, sign, b, yLow: layout.strips[b].top, yHigh: layout.above(b), funnel: false };

  /** Where each edge leaves: beside the band, on the side it turns to. @type {Map<Edge, [number, number]>} */
  const leaves = new Map();
  for (const source of new Set(edges.map((e) => e.k))) {
    const group = edges.filter((e) => e.k === source);
    const [from, to] = below(source);
    const side = (/** @type {boolean} */ left) =>
      group
        .filter((e) => e.i !== source && layout.x(e.i) < layout.x(source) === left)
        .sort((a, c) => layout.x(a.i) - layout.x(c.i));
    const left = side(true);
    const right = side(false);
    const width = (/** @type {Edge[]} */ list) => list.reduce((a, e) => a + e.mass, 0) * k;
    const centre = (from + to) / 2;
    let x = Math.min(from, centre - width(left));
    for (const e of left) leaves.set(e, [x, (x += e.mass * k)]);
    x = Math.max(to, centre + width(right)) - width(right);
    // Those that go farthest leave outermost: the ribbons of one side do not cross each other.
    for (const e of right) leaves.set(e, [x, (x += e.mass * k)]);
  }

  /** @type {Ribbon[]} */
  const ribbons = [];
  for (const i of strand.carried[b + 1].keys()) {
    let [x] = /** @type {[number, number]} */ (places[b + 1].get(key(strand, i)));
    const arriving = edges
      .filter((e) => e.i === i && e.k !== i)
      .sort((a, c) => layout.x(a.k) - layout.x(c.k));
    const put = (/** @type {Edge} */ e) => {
      const low = leaves.get(e) ?? seed(e.k);
      ribbons.push({ ...common, from: e.k, to: i, low, high: [x, x + e.mass * k] });
      x += e.mass * k;
    };
    const fromLeft = (/** @type {Edge} */ e) => layout.x(e.k) < layout.x(i);
    arriving.filter(fromLeft).forEach(put);
    const own = edges.filter((e) => e.i === i && e.k === i).reduce((a, e) => a + e.mass, 0);
    const band = ((strand.carried[b].get(i) ?? 0) + own) * k;
    if (band > 0) {
      ribbons.push({ ...common, from: i, to: i, low: below(i), high: [x, x + band] });
      x += band;
    }
    arriving.filter((e) => !fromLeft(e)).forEach(put);
    if (b + 1 < layout.strips.length) {
      const through = /** @type {[number, number]} */ (places[b + 1].get(key(strand, i)));
      const { top, height } = layout.strips[b + 1];
      ribbons.push({
        ...common,
        b: b + 1,
        from: i,
        to: i,
        low: through,
        high: through,
        yLow: top + height,
        yHigh: top,
      });
    }
  }
  return ribbons;
}

/**
 * @param {import("./scene.js").Scene} scene
 * @param {Layout} layout
 * @returns {Flow}
 */
export function flow({ picture: p, active, ancestry, state, selected }, layout) {
  const L = layout.strips.length;
  const span = layout.x1 - layout.x0;
  const total = p.total.supporting + p.total.opposing;
  const side = (/** @type {number} */ u) => Math.max(p.supporting[u], p.opposing[u]);
  const cap = Math.max(Math.min(0.62 * layout.column, 46), 18);
  const top = Math.max(1e-12, ...p.order.slice(0, 3).map(side));
  const scale = total > 0 ? Math.min(cap / top, ((layout.middle ? 0.38 : 0.55) * span) / total) : 1;
  const largest = Math.max(1e-12, ...active.map(side));
  const atRest = !selected.length && state.preview === null;
  const wish = clamp(cap / (largest * scale), 1, atRest ? 6 : 40);
  const magnification = atRest && wish < 1.35 ? 1 : wish;
  const k = scale * magnification;

  const all = strands(active, ancestry, L);
  const places = Array.from({ length: L + 1 }, (_, b) => stack(all, b, k, layout));
  const ribbons = all.flatMap((strand) =>
    Array.from({ length: L }, (_, b) => gap(strand, b, k, layout, places)).flat(),
  );

  const bar = total * scale;
  const zero = (layout.x0 + layout.x1) / 2 - bar / 2 + p.total.opposing * scale;
  const y = layout.decision - 16;
  const lensY = magnification > 1.04 ? layout.decision + 24 : layout.decision;
  const segments = segmentsOf(active, p, zero, scale, k);
  // The magnified segments must not leave the plot.
  const low = Math.min(zero, ...segments.map((s) => s.lens[0]));
  const high = Math.max(zero, ...segments.map((s) => s.lens[1]));
  const shift = low < layout.x0 ? layout.x0 - low : high > layout.x1 ? layout.x1 - high : 0;
  for (const s of segments) s.lens = [s.lens[0] + shift, s.lens[1] + shift];

  for (const strand of all) {
    const segment = segments.find((s) => s.unit === strand.unit && s.sign === strand.sign);
    if (!segment) continue;
    const landing = [...strand.carried[L]].sort((a, c) => layout.x(a[0]) - layout.x(c[0]));
    const drawn = landing.reduce((a, [, m]) => a + m, 0) * k;
    let x = strand.sign > 0 ? segment.lens[0] : segment.lens[1] - drawn;
    for (const [i, mass] of landing) {
      const low = /** @type {[number, number]} */ (places[L].get(key(strand, i)));
      ribbons.push({
        unit: strand.unit,
        sign: strand.sign,
        b: L,
        from: i,
        to: i,
        low,
        high: [x, x + mass * k],
        yLow: layout.output,
        yHigh: lensY,
        funnel: true,
      });
      x += mass * k;
    }
  }
  return { ribbons, segments, scale, magnification, zero, y, lensY };
}

/**
 * Each active word's own stretch of the balance, from zero outwards.
 * @param {number[]} active @param {import("./picture.js").Picture} p
 * @param {number} zero @param {number} scale @param {number} k
 * @returns {Segment[]}
 */
function segmentsOf(active, p, zero, scale, k) {
  /** @type {Segment[]} */
  const segments = [];
  for (const sign of /** @type {(1 | -1)[]} */ ([-1, 1])) {
    let x = zero;
    let lensX = zero;
    for (const unit of sign < 0 ? active.toReversed() : active) {
      const mass = sign > 0 ? p.supporting[unit] : p.opposing[unit];
      if (!(mass > 0)) continue;
      const [x2, lens2] = [x + sign * mass * scale, lensX + sign * mass * k];
      segments.push({
        unit,
        sign,
        mass,
        bar: sign > 0 ? [x, x2] : [x2, x],
        lens: sign > 0 ? [lensX, lens2] : [lens2, lensX],
      });
      [x, lensX] = [x2, lens2];
    }
  }
  return segments;
}
