/** The matrix as a table of its cells, strongest first; a table as wide as the matrix could not be read. */
import { matrixRows } from "../lib/csv.js";
import { number, short, signed } from "../lib/format.js";
import { digitsOf, unitOf } from "../lib/matrix_story.js";
import { strongestCells } from "../lib/rollout.js";
import { copyButton } from "./copy.js";
import { differ, el } from "./dom.js";

/** @typedef {import("../lib/matrix.js").Matrix} Matrix */

const STRONGEST = 200;

export function matrixTable() {
  const body = el("div", { class: "table", tabindex: 0, role: "region", "aria-label": "Table of the matrix" });
  const copy = copyButton(() => (now?.shown ? matrixRows(now.shown, now.scene.units.names, "into \\ from") : null));
  const root = el("details", { class: "more" }, el("summary", {}, "Matrix as a table", el("small", {}, "for reading and copying")), body, copy);
  const fresh = differ();
  /** @type {Matrix | undefined} */
  let now;
  const build = () => {
    if (!root.open || !now || !fresh(now.shown)) return;
    body.replaceChildren(strongest(now));
  };
  root.addEventListener("toggle", build);
  return Object.assign(root, {
    /** @param {Matrix} m */
    draw(m) {
      now = m;
      build();
    },
  });
}

const th = (/** @type {string} */ scope, /** @type {string} */ text) => el("th", { scope }, el("bdi", {}, text));

/** @param {Matrix} m */
function strongest(m) {
  const { labels } = m.scene.units;
  const d = digitsOf(m);
  const found = m.shown ? strongestCells(m.shown, m.n, STRONGEST) : [];
  const row = (/** @type {{row: number, column: number, value: number}} */ { row, column, value }) => {
    const q = row * m.n + column;
    const sides = m.pair ? [m.pair.plus[q], m.pair.minus[q]] : [];
    return el("tr", {}, th("row", short(labels[column], 40)), el("td", {}, el("bdi", {}, short(labels[row], 40))), ...sides.map((v) => el("td", {}, number(v, d))), el("td", {}, signed(value, d)));
  };
  return el(
    "table",
    {},
    el("caption", {}, `${m.title}: the ${found.length} strongest of ${m.n * m.n} cells, in ${unitOf(m)}; the copy holds all.`),
    el("thead", {}, el("tr", {}, ...["from", "into", "supporting", "opposing", m.scene.state.channel].map((c) => el("th", { scope: "col" }, c)))),
    el("tbody", {}, ...found.map(row)),
  );
}
