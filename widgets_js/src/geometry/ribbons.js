/**
 * Ribbons of the active words, as quadrilaterals with curved sides.
 *
 * A word's evidence starts as a seed in its own column.  At every level the evidence already carried
 * into a position stands there as a vertical band that widens by what the block adds and never narrows.
 */
import { totalMass } from "../evidence/ancestry.js";
import { clamp, max, min, sum, TINY, times } from "../evidence/maths.js";

/** @typedef {import("./flow_layout.js").Layout} Layout */
/** @typedef {import("../evidence/ancestry.js").Edge} Edge */

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

/**
 * @typedef {{unit: number, sign: 1 | -1, mass: number, bar: [number, number], lens: [number, number]}}
 *   Segment
 */

/**
 * @typedef {object} Flow
 * @property {Ribbon[]} ribbons
 * @property {Segment[]} segments of the balance that belong to the active words
 * @property {number} scale px per unit of evidence, in the balance
 * @property {number} magnification of the ribbons against the balance
 * @property {boolean} magnified so much that it shows
 * @property {number} zero x of the balance's zero
 * @property {number} y top of the balance
 * @property {number} lensY level where the ribbons land
 */

/**
 * One word's evidence of one sign: its edges, and what has been carried to each position before block b.
 * @typedef {{unit: number, sign: 1 | -1, edges: Edge[], carried: Map<number, number>[]}} Strand
 */

const SIGNS = /** @type {const} */ ([-1, 1]);

/**
 * @param {number[]} active @param {(unit: number) => {edges: Edge[]} | null} ancestry @param {number} L
 * @returns {Strand[]}
 */
const strands = (active, ancestry, L) => {
  return active.flatMap((unit) =>
    SIGNS.flatMap((sign) => {
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
};

/** @param {{unit: number, sign: number}} strand @param {number} i */
const key = ({ unit, sign }, i) => `${unit} ${sign} ${i}`;

/**
 * Bands side by side at every position of one level: opposing left, supporting right.
 * @param {Strand[]} all @param {number} b @param {number} k px per unit @param {Layout} layout
 */
const stack = (all, b, k, layout) => {
  /** @type {Map<number, [Strand, number][]>} */
  const at = new Map();
  for (const strand of all.toSorted((a, c) => a.sign - c.sign))
    for (const [i, mass] of strand.carried[b]) at.set(i, [...(at.get(i) ?? []), [strand, mass]]);
  /** @type {Map<string, [number, number]>} */
  const place = new Map();
  for (const [i, list] of at) {
    let x = layout.x(i) - (sum(list.map(([, m]) => m)) * k) / 2;
    for (const [strand, mass] of list) {
      place.set(key(strand, i), [x, x + mass * k]);
      x += mass * k;
    }
  }
  return place;
};

/**
 * The ribbons of one strand between block b and the level above it.
 * @param {Strand} strand @param {number} b @param {number} k @param {Layout} layout
 * @param {Map<string, [number, number]>[]} places
 * @returns {Ribbon[]}
 */
const gap = (strand, b, k, layout, places) => {
  const edges = strand.edges.filter((e) => e.b === b);
  const { unit, sign, carried } = strand;
  /** @param {number} i */
  const seed = (i) => {
    const x = layout.x(i) + sign * 0.6;
    return /** @type {[number, number]} */ ([x, x]);
  };
  /** @param {number} level @param {number} i */
  const bandOf = (level, i) => places[level].get(key(strand, i)) ?? seed(i);
  const common = { unit, sign, b, yLow: layout.strips[b].top, yHigh: layout.above(b), funnel: false };
  /** @param {"i" | "k"} end */
  const byPlace = (end) => (/** @type {Edge} */ a, /** @type {Edge} */ c) =>
    layout.x(a[end]) - layout.x(c[end]);

  /** Where each edge leaves: beside the band, on the side it turns to. @type {Map<Edge, [number, number]>} */
  const leaves = new Map();
  for (const source of new Set(edges.map((e) => e.k))) {
    const group = edges.filter((e) => e.k === source && e.i !== source).sort(byPlace("i"));
    const [from, to] = bandOf(b, source);
    const [left, right] = [true, false].map((side) =>
      group.filter((e) => layout.x(e.i) < layout.x(source) === side),
    );
    const centre = (from + to) / 2;
    /** Side by side from x on. @param {Edge[]} side @param {number} x */
    const leave = (side, x) => {
      for (const e of side) {
        leaves.set(e, [x, x + e.mass * k]);
        x += e.mass * k;
      }
    };
    leave(left, min(from, centre - totalMass(left) * k));
    const width = totalMass(right) * k;
    // Those that go farthest leave outermost: the ribbons of one side do not cross each other.
    leave(right, max(to, centre + width) - width);
  }

  /** @type {Ribbon[]} */
  const ribbons = [];
  for (const i of carried[b + 1].keys()) {
    let [x] = bandOf(b + 1, i);
    /** @param {number} from @param {[number, number]} low @param {number} width */
    const put = (from, low, width) => {
      ribbons.push({ ...common, from, to: i, low, high: [x, x + width] });
      x += width;
    };
    const into = edges.filter((e) => e.i === i).sort(byPlace("k"));
    const arriving = into.filter((e) => e.k !== i);
    /** @param {boolean} left */
    const arrive = (left) => {
      for (const e of arriving)
        if (layout.x(e.k) < layout.x(i) === left) put(e.k, leaves.get(e) ?? seed(e.k), e.mass * k);
    };
    arrive(true);
    const band = ((carried[b].get(i) ?? 0) + totalMass(into) - totalMass(arriving)) * k;
    if (band > 0) put(i, bandOf(b, i), band);
    arrive(false);
    if (b + 1 < layout.strips.length) {
      const through = bandOf(b + 1, i);
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
};

/**
 * @param {import("../evidence/scene.js").Scene} scene
 * @param {Layout} layout
 * @returns {Flow}
 */
export const layOutRibbons = ({ unitEvidence: p, active, ancestry, state, selected }, layout) => {
  const L = layout.strips.length;
  const span = layout.x1 - layout.x0;
  const total = p.total.supporting + p.total.opposing;
  /** @param {number} u */
  const side = (u) => max(p.supporting[u], p.opposing[u]);
  const cap = max(min(0.62 * layout.column, 46), 18);
  const top = max(TINY, ...p.order.slice(0, 3).map(side));
  const scale = total > 0 ? min(cap / top, ((layout.middle ? 0.38 : 0.55) * span) / total) : 1;
  const largest = max(TINY, ...active.map(side));
  const atRest = !selected.length && state.preview === null;
  const wish = clamp(cap / (largest * scale), 1, atRest ? 6 : 40);
  const magnification = atRest && wish < 1.35 ? 1 : wish;
  const k = scale * magnification;

  const all = strands(active, ancestry, L);
  const places = times(L + 1, (b) => stack(all, b, k, layout));
  const ribbons = all.flatMap((strand) => times(L, (b) => gap(strand, b, k, layout, places)).flat());

  const bar = total * scale;
  const zero = (layout.x0 + layout.x1) / 2 - bar / 2 + p.total.opposing * scale;
  const y = layout.decision - 16;
  const magnified = magnification > 1.04;
  const lensY = layout.decision + (magnified ? 24 : 0);
  const segments = segmentsOf(active, p, zero, scale, k);
  // The magnified segments must not leave the plot.
  const low = min(zero, ...segments.map((s) => s.lens[0]));
  const high = max(zero, ...segments.map((s) => s.lens[1]));
  const shift = low < layout.x0 ? layout.x0 - low : high > layout.x1 ? layout.x1 - high : 0;
  for (const s of segments) s.lens = [s.lens[0] + shift, s.lens[1] + shift];

  for (const { unit, sign, carried } of all) {
    const segment = segments.find((s) => s.unit === unit && s.sign === sign);
    if (!segment) continue;
    const landing = [...carried[L]].sort((a, c) => layout.x(a[0]) - layout.x(c[0]));
    const drawn = sum(landing.map(([, m]) => m)) * k;
    let x = sign > 0 ? segment.lens[0] : segment.lens[1] - drawn;
    for (const [i, mass] of landing) {
      const low = /** @type {[number, number]} */ (places[L].get(key({ unit, sign }, i)));
      const high = /** @type {[number, number]} */ ([x, x + mass * k]);
      x += mass * k;
      ribbons.push({
        unit,
        sign,
        b: L,
        from: i,
        to: i,
        low,
        high,
        yLow: layout.output,
        yHigh: lensY,
        funnel: true,
      });
    }
  }
  return { ribbons, segments, scale, magnification, magnified, zero, y, lensY };
};

/**
 * Each active word's own stretch of the balance, from zero outwards.
 * @param {number[]} active @param {import("../evidence/unit_evidence.js").UnitEvidence} p
 * @param {number} zero @param {number} scale @param {number} k
 * @returns {Segment[]}
 */
const segmentsOf = (active, p, zero, scale, k) => {
  return SIGNS.flatMap((sign) => {
    let x = zero;
    let lensX = zero;
    /**
     * Outwards means leftwards for what opposes.
     * @param {number} a @param {number} b @returns {[number, number]}
     */
    const between = (a, b) => (sign > 0 ? [a, b] : [b, a]);
    return (sign < 0 ? active.toReversed() : active).flatMap((unit) => {
      const mass = (sign > 0 ? p.supporting : p.opposing)[unit];
      if (!(mass > 0)) return [];
      const from = x;
      const lensFrom = lensX;
      x += sign * mass * scale;
      lensX += sign * mass * k;
      return [{ unit, sign, mass, bar: between(from, x), lens: between(lensFrom, lensX) }];
    });
  });
};
