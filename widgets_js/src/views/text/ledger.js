/** The ledger: the strongest words against each other, and the sum of all. In shares. */
import { fill, sentences, sizes } from "../../evidence/design.js";
import { countDigits, formatNumber, formatSigned, shorten } from "../../evidence/format.js";
import { abs, max, range, sortStrongestFirst, sum, times } from "../../evidence/maths.js";
import { MIDDLE } from "../../geometry/flow_layout.js";
import { createChangeTest, el, replaceContent, view } from "../../kit/dom.js";
import { listenToUnits, markUnits } from "../../kit/input.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */

const TOLD = sentences.ledger;
/** Words below this share of the strongest are not listed. */
const { WEAK } = sizes.ledger;

/** @param {import("../../state/actions.js").Actions} actions */
export const ledgerView = (actions) => {
  const root = listenToUnits(el("div.ledger"), actions);
  const rebuilt = createChangeTest();
  return view(root, (/** @type {Scene} */ scene, /** @type {number} */ width) => {
    const rows = width < MIDDLE ? 5 : scene.x.tokens.length > 24 ? 8 : 6;
    if (rebuilt(scene.unitEvidence, scene.layer, rows)) replaceContent(root, ...build(scene, rows));
    markUnits(root.querySelectorAll("[data-unit]"), scene);
  });
};

/** Where it is cut, the number that tells namesakes apart stays. @param {string} name */
const named = (name) => {
  const told = name.search(/[₀-₉]*\u2069?$/);
  return el("bdi.name", el("span", name.slice(0, told)), name.slice(told));
};

/** @param {Scene} scene @param {number} rows */
const build = ({ unitEvidence: p, layer, units, state, x, evidence }, rows) => {
  const listed = sortStrongestFirst(
    range(units.count).filter((u) => state.granularity === "token" || !units.special[u]),
    evidence,
  );
  const largest = abs(evidence[listed[0]] ?? 0);
  const d = countDigits(largest);
  const [minus, plus] = [-1, 1].map((sign) =>
    listed.filter((u) => sign * evidence[u] > WEAK * largest).slice(0, rows),
  );
  /** @param {number | undefined} u */
  const entry = (u) =>
    u !== undefined &&
    el(
      "div.entry",
      { "data-unit": u, style: `--v:${abs(evidence[u]) / largest}` },
      el("span.bar"),
      named(shorten(units.labels[u], state.granularity === "sentence" ? 60 : 20)),
      el("span.value", formatNumber(abs(evidence[u]), d)),
    );
  const count = max(minus.length, plus.length);
  const body = times(count, (i) => el("tr", el("td.minus", entry(minus[i])), el("td.plus", entry(plus[i]))));
  if (!count) body.push(el("tr", el("td.none", { colspan: 2 }, TOLD.none)));
  const head = el(
    "tr",
    el("th.minus", { scope: "col" }, fill(sentences.flow.opposes, { name: p.name })),
    el("th.plus", { scope: "col" }, fill(sentences.flow.supports, { name: p.name })),
  );
  const [supporting, opposing] = [1, -1].map((sign) =>
    formatNumber(sum(evidence.map((v) => max(0, sign * v)))),
  );
  const [told, plusSum, minusSum, total] =
    layer === null
      ? [TOLD.tokens_sum, formatNumber(p.total.supporting), formatNumber(p.total.opposing), p.total.net]
      : [TOLD.tokens_sum_at, supporting, opposing, sum(evidence)];
  const foot = fill(told, {
    plus: plusSum,
    minus: minusSum,
    weight: layer === null ? "" : formatNumber(x.weights[layer]),
  });
  return [
    el("div.head", el("b", TOLD.title), el("span", fill(TOLD.note, { grain: state.granularity }))),
    el("table", el("thead", head), el("tbody", ...body)),
    el("p.sum", fill(TOLD.equals, { sum: foot }), el("b", fill(TOLD.net, { net: formatSigned(total) }))),
  ];
};
