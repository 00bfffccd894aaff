/** The same numbers as a table, for reading, listening and copying. */
import { evidenceRows } from "../lib/csv.js";
import { layerName, number, short, signed } from "../lib/format.js";
import { copyButton } from "./copy.js";
import { differ, el } from "./dom.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */

/**
 * A folded table of anything; it is filled when it is opened.
 * @template D what is drawn
 * @typedef {object} Content
 * @property {string} name
 * @property {string} note
 * @property {(now: D) => unknown[]} key changes when the rows do
 * @property {(now: D) => {caption: string, columns: string[], rows: string[][]}} fill the first of a row names it
 * @property {(now: D) => (string | number)[][] | null} copy
 */

/** @template D @param {Content<D>} content */
export function foldedTable({ name, note, key, fill, copy }) {
  const body = el("div", { class: "table", tabindex: 0, role: "region", "aria-label": name });
  const root = el(
    "details",
    { class: "more" },
    el("summary", {}, name, el("small", {}, note)),
    body,
    copyButton(() => (now ? copy(now) : null)),
  );
  const fresh = differ();
  /** @type {D | undefined} */
  let now;
  const text = (/** @type {string} */ t) => el("bdi", {}, t);
  const build = () => {
    if (!root.open || !now || !fresh(...key(now))) return;
    const { caption, columns, rows } = fill(now);
    const row = (/** @type {string[]} */ [first, ...rest]) =>
      el("tr", {}, el("th", { scope: "row" }, text(first)), ...rest.map((v) => el("td", {}, text(v))));
    const head = el("tr", {}, ...columns.map((c) => el("th", { scope: "col" }, c)));
    body.replaceChildren(
      el("table", {}, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, ...rows.map(row))),
    );
  };
  root.addEventListener("toggle", build);
  return Object.assign(root, {
    /** @param {D} next */
    draw(next) {
      now = next;
      build();
    },
  });
}

export const tableView = () =>
  foldedTable({
    name: "Table",
    note: "the same numbers, for reading and copying",
    key: (/** @type {Scene} */ { picture, state }) => [picture, state.layer],
    fill({ picture: p, units, x, state }) {
      const b = state.layer ?? 0;
      return {
        caption: `Shares for and against ${p.name}; gradients in units of the score.`,
        columns: [state.granularity, "supporting", "opposing", "net", `gradients, ${layerName(b, x.weights.length).toLowerCase()}`],
        rows: units.labels.map((label, u) => [
          short(label, 60),
          number(p.supporting[u], 3),
          number(p.opposing[u], 3),
          signed(p.net[u], 3),
          signed(p.r[b][u], 3),
        ]),
      };
    },
    copy: evidenceRows,
  });
