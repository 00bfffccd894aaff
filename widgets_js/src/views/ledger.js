/** The ledger: the strongest words against each other, and the sum of all. In shares. */
import { MINUS, digits, number, short, signed } from "../lib/format.js";
import { differ, el } from "./dom.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */

/** Words below this share of the strongest are not listed. */
const WEAK = 0.01;

/** @param {import("../actions.js").Actions} actions */
export function ledgerView(actions) {
  const root = el("div", { class: "ledger" });
  const rebuilt = differ();
  const unitOf = (/** @type {Event} */ event) => {
    const cell = /** @type {HTMLElement} */ (event.target).closest("[data-unit]");
    return cell instanceof HTMLElement ? Number(cell.dataset.unit) : null;
  };
  root.addEventListener("pointerover", (event) => actions.hover(unitOf(event)));
  root.addEventListener("pointerleave", () => actions.hover(null));
  root.addEventListener("click", (event) => {
    const unit = unitOf(event);
    if (unit !== null) actions.pick(unit, event.shiftKey || event.metaKey || event.ctrlKey);
  });

  return Object.assign(root, {
    /** @param {Scene} scene @param {number} width of the widget */
    draw(scene, width) {
      const { picture: p, layer, units, x, state } = scene;
      const rows = width < 520 ? 5 : x.tokens.length > 24 ? 8 : 6;
      if (rebuilt(p, layer, rows)) build(root, scene, rows);
      for (const cell of root.querySelectorAll("[data-unit]")) {
        const u = Number(/** @type {HTMLElement} */ (cell).dataset.unit);
        cell.classList.toggle("hot", u === state.hover);
        cell.classList.toggle("on", scene.selected.includes(u));
      }
      void units;
    },
  });
}

/** @param {HTMLElement} root @param {Scene} scene @param {number} rows */
function build(root, { picture: p, layer, units, state, x }, rows) {
  const values = layer === null ? p.net : p.cells[layer];
  const largest = values.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  const d = digits(largest);
  const listed = [...values.keys()].filter(
    (u) => (state.granularity === "token" || !units.special[u]) && Math.abs(values[u]) > WEAK * largest,
  );
  const minus = listed.filter((u) => values[u] < 0).sort((a, b) => values[a] - values[b]).slice(0, rows);
  const plus = listed.filter((u) => values[u] > 0).sort((a, b) => values[b] - values[a]).slice(0, rows);
  const top = Math.max(0, ...[...minus, ...plus].map((u) => Math.abs(values[u])));
  /** @param {number | undefined} u */
  const entry = (u) =>
    u === undefined
      ? null
      : el(
          "div",
          { class: "entry", "data-unit": u, style: `--v:${Math.abs(values[u]) / top}` },
          el("span", { class: "bar" }),
          el("bdi", { class: "name" }, short(units.labels[u], state.granularity === "sentence" ? 60 : 20)),
          el("span", { class: "value" }, number(Math.abs(values[u]), d)),
        );
  const count = Math.max(minus.length, plus.length);
  const body = el("tbody");
  for (let i = 0; i < count; i++)
    body.append(
      el("tr", {}, el("td", { class: "minus" }, entry(minus[i])), el("td", { class: "plus" }, entry(plus[i]))),
    );
  if (!count) body.append(el("tr", {}, el("td", { colspan: 2, class: "none" }, "Nothing to weigh here.")));
  const table = el(
    "table",
    {},
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { class: "minus", scope: "col" }, `opposes ${p.name}`),
        el("th", { class: "plus", scope: "col" }, `supports ${p.name}`),
      ),
    ),
    body,
  );
  const sums = values.reduce((a, v) => (v > 0 ? [a[0] + v, a[1]] : [a[0], a[1] - v]), [0, 0]);
  const foot =
    layer === null
      ? [`All tokens, special ones included: ${number(p.total.supporting)} supporting ${MINUS} ${number(p.total.opposing)} opposing = `, signed(p.total.net)]
      : [`All tokens at this layer, before its weight ${number(x.weights[layer])}: ${number(sums[0])} ${MINUS} ${number(sums[1])} = `, signed(sums[0] - sums[1])];
  root.replaceChildren(
    el("div", { class: "head" }, el("b", {}, "The ledger"), el("span", {}, `strongest ${state.granularity}s, net, in shares`)),
    table,
    el("p", { class: "sum" }, foot[0], el("b", {}, `${foot[1]} net`)),
  );
}
