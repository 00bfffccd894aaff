/** Several explanations on one scale: their scenes, linked by rows of units that correspond. */

import { formats, sentences } from "./design.js";
import { countDigits, quotePunctuation, shorten, shortenLabel, wholeName } from "./format.js";
import { largestSize, max, min, range, sortStrongestFirst, sum } from "./maths.js";
import { memo } from "./memo.js";
import { createSceneMaker } from "./scene.js";
import { distinctLabels, groupUnits } from "./units.js";

/** @typedef {import("./wire.js").Explanation} Explanation */
/** @typedef {import("./settings.js").State} State */
/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {number[][]} Row units of each explanation that correspond */

/**
 * Scene of the comparison as a whole; its units are the rows.
 * @typedef {Scene & {sides: Side[], values: (number | null)[][], changes: number[], order: number[],
 *   most: number, places: number}} Compared
 * @typedef {{name: string, whole: string | false, scene: Scene, rowOf: number[]}} Side
 */

/** @typedef {ReturnType<typeof rowUnits>} RowUnits */

/** What has no counterpart. */
export const { NOTHING } = formats;

/** Second less first; of more than two the spread. @param {(number | null)[]} values */
export const differenceOf = (values) => {
  const all = values.map((v) => v ?? 0);
  return all.length === 2 ? all[1] - all[0] : max(...all) - min(...all);
};

/** @param {string} text */
export const comparableText = (text) => text.toLowerCase().replaceAll(" ", "");

/** One name for a row: what all have, or what became of it. @param {string[]} texts */
export const rowName = (texts) => {
  // Two tokenizers may part one stretch of text in two ways.
  const same = new Set(texts.map(comparableText)).size < 2;
  return same
    ? shorten(
        texts.reduce((a, b) => (b.length < a.length ? b : a)),
        40,
      )
    : texts.map((t) => (t ? quotePunctuation(shorten(t, 20)) : NOTHING)).join(" → ");
};

export const createComparisonMaker = () => {
  /** @type {ReturnType<typeof createSceneMaker>[]} */
  const makers = [];
  /**
   * @type {((p: import("./unit_evidence.js").UnitEvidence, largest: number,
   *   cellLargest: number) => import("./unit_evidence.js").UnitEvidence)[]}
   */
  const lockers = [];
  const rowsOf = memo(rowUnits);
  /**
   * @param {Explanation[]} all @param {Record<string, Row[]>} rows @param {State} state
   * @returns {Compared}
   */
  return (all, rows, state) => {
    while (makers.length < all.length) {
      makers.push(createSceneMaker());
      lockers.push(memo((p, largest, cellLargest) => ({ ...p, largest, cellLargest })));
    }
    const grain = rows[state.granularity];
    const layers = min(...all.map((x) => x.weights.length));
    const layer = state.layer !== null && state.layer < layers ? state.layer : null;
    const chosen = state.selected.filter((n) => n < rows.token.length);
    const own = all.map((x, i) =>
      makers[i](x, {
        ...state,
        layer,
        lam: (x.single ? null : state.lam) ?? x.lam,
        target: x.target,
        contrast: x.contrast,
        selected: chosen.flatMap((n) => rows.token[n][i]),
        hover: grain[state.hover ?? -1]?.[i][0] ?? null,
        preview: null,
      }),
    );
    const largest = max(...own.map((s) => s.unitEvidence.largest));
    const cellLargest = max(...own.map((s) => s.unitEvidence.cellLargest));
    const linked = rowsOf(all, rows, state.granularity);
    const sides = own.map((scene, i) => ({
      name: shortenLabel(all[i].name ?? ""),
      whole: wholeName(all[i].name ?? ""),
      scene: { ...scene, unitEvidence: lockers[i](scene.unitEvidence, largest, cellLargest) },
      rowOf: linked.rowsOf[i],
    }));
    const values = grain.map((row) =>
      row.map((members, i) => (members.length ? sum(members.map((u) => own[i].evidence[u])) : null)),
    );
    const changes = values.map(differenceOf);
    const order = sortStrongestFirst(
      range(linked.count).filter((n) => !linked.special[n]),
      changes,
    );
    // A method with one signal has no λ.
    const lams = [...new Set(all.flatMap((x) => (x.single ? [] : x.lam)))];
    const names = new Set(own.map((s) => s.unitEvidence.name));
    return {
      ...own[0],
      pending: false,
      x: {
        ...all[0],
        live: false,
        weights: all[0].weights.slice(0, layers),
        single: all.every((x) => x.single),
      },
      state: { ...state, layer, lam: state.lam ?? (lams.length === 1 ? lams[0] : NaN) },
      units: linked,
      layer,
      evidence: changes,
      sides,
      values,
      changes,
      order,
      places: countDigits(largestSize(order.map((n) => changes[n]))),
      most: max(
        layer === null ? largest : cellLargest,
        largestSize(order.flatMap((n) => values[n].map((v) => v ?? 0))),
      ),
      unitEvidence: {
        ...own[0].unitEvidence,
        name: names.size > 1 ? sentences.question.class : own[0].unitEvidence.name,
      },
      selected: [...new Set(chosen.map((n) => linked.of[n]))],
      sight: { first: 0, last: linked.count },
      resting: [],
      empty: order.length === 0,
    };
  };
};

/**
 * Rows as units, whose "tokens" are the rows of the token alignment.
 * @param {Explanation[]} all
 * @param {Record<string, Row[]>} rows
 * @param {import("./units.js").Granularity} granularity
 */
const rowUnits = (all, rows, granularity) => {
  const sides = all.map((x) => groupUnits(x, granularity));
  const grain = rows[granularity];
  /** Row of each unit, or of each token. @param {Row[]} from @param {number} i */
  const rowOf = (from, i) => {
    /** @type {number[]} */
    const found = [];
    for (const [n, row] of from.entries()) for (const member of row[i]) found[member] = n;
    return found;
  };
  const rowsOf = sides.map((_, i) => rowOf(grain, i));
  const tokenRows = sides.map((_, i) => rowOf(rows.token, i));
  const members = grain.map((row) => [
    ...new Set(row.flatMap((own, i) => own.flatMap((u) => sides[i].members[u].map((t) => tokenRows[i][t])))),
  ]);
  const of = rows.token.map((row) => {
    const i = row.findIndex((tokens) => tokens.length);
    return rowsOf[i][sides[i].of[row[i][0]]];
  });
  const texts = grain.map((row) => row.map((own, i) => own.map((u) => sides[i].names[u]).join(" ")));
  const names = texts.map(rowName);
  const special = grain.map((row) => row.every((own, i) => own.every((u) => sides[i].special[u])));
  return {
    granularity,
    count: grain.length,
    of,
    members,
    names,
    labels: distinctLabels(names),
    special,
    stops: [],
    rowsOf,
    texts,
  };
};
