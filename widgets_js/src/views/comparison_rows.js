/** The difference: for each row the evidence of all explanations on one axis, strongest difference first. */
import { NOTHING } from "../lib/comparison.js";
import { number, signed } from "../lib/format.js";
import { differ, el, roving, set } from "./dom.js";

/** @typedef {import("../lib/comparison.js").Compared} Compared */

/** So many rows are shown until all are asked for. */
const FEW = 12;

/** @param {import("../actions.js").Actions} actions */
export function differenceView(actions) {
  const body = el("tbody");
  const head = el("tr");
  const more = el("button", { type: "button", class: "icon" });
  const root = el(
    "div",
    { class: "difference" },
    el("div", { class: "head" }, el("b", {}, "The difference"), el("span", {}, "bars on the scale of the texts, in shares")),
    el("div", { class: "table", tabindex: 0, role: "region", "aria-label": "The difference" }, el("table", {}, el("thead", {}, head), body)),
    more,
  );
  const fresh = differ();
  let all = false;
  let redraw = () => {};
  more.addEventListener("click", () => {
    all = !all;
    redraw();
  });
  const rowAt = (/** @type {Event} */ event) => {
    const row = /** @type {Element} */ (event.target).closest("tr[data-unit]");
    return row instanceof HTMLElement ? Number(row.dataset.unit) : null;
  };
  body.addEventListener("pointerover", (event) => actions.hover(rowAt(event)));
  body.addEventListener("pointerleave", () => actions.hover(null));
  body.addEventListener("click", (event) => {
    const row = rowAt(event);
    if (row !== null) actions.pick(row, event.shiftKey || event.metaKey || event.ctrlKey);
  });
  roving(body, "button", (button) => actions.hover(Number(button.dataset.unit)));

  /** @param {number | null} value @param {number} most */
  const cell = (value, most) => {
    const share = (value ?? 0) / most;
    const style = `--up:${Math.max(0, share)};--down:${Math.max(0, -share)}`;
    return el("td", {}, el("span", { class: "both", style }, el("i", { class: "opp" }), el("i", { class: "sup" })), el("small", {}, value === null ? NOTHING : signed(value)));
  };

  return Object.assign(root, {
    /** @param {import("../lib/scene.js").Scene} now */
    draw(now) {
      redraw = () => this.draw(now);
      const { sides, values, difference, order, most, units, state, selected } = /** @type {Compared} */ (now);
      const shown = all ? order : order.slice(0, FEW);
      if (fresh(units, state.lam, state.layer, all, String(shown), difference.map((d) => d.toFixed(4)).join())) {
        const two = sides.length === 2;
        head.replaceChildren(
          ...[state.granularity, ...sides.map((s) => s.name), two ? "difference" : "spread"].map((t) => el("th", { scope: "col" }, el("bdi", {}, t))),
        );
        body.replaceChildren(
          ...shown.map((n, i) =>
            el(
              "tr",
              { "data-unit": n },
              el("th", { scope: "row" }, el("button", { type: "button", class: "word", "data-unit": n, tabindex: i ? -1 : 0, dir: "auto" }, units.labels[n])),
              ...values[n].map((v) => cell(v, most)),
              el("td", {}, el("b", {}, two ? signed(difference[n]) : number(difference[n]))),
            ),
          ),
        );
        more.hidden = order.length <= FEW;
        more.textContent = all ? "Show the strongest only" : `Show all ${order.length}`;
      }
      for (const row of body.children) {
        const n = Number(/** @type {HTMLElement} */ (row).dataset.unit);
        row.classList.toggle("hot", n === state.hover);
        row.classList.toggle("on", selected.includes(n));
        set(/** @type {Element} */ (row.querySelector("button")), { "aria-pressed": String(selected.includes(n)) });
      }
    },
  });
}
