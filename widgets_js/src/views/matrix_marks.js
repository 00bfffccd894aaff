/** What lies over the matrix: names, sentence ends, crosshair, selection, values that are missing. */
import { FONT, named } from "../lib/matrix_layout.js";
import { short, signed } from "../lib/format.js";
import { digitsOf } from "../lib/matrix_story.js";
import { bare } from "../lib/units.js";
import { svg, textWidth } from "./dom.js";

/** @typedef {import("../lib/matrix.js").Matrix} Matrix */
/** @typedef {import("../lib/matrix_layout.js").MatrixLayout} MatrixLayout */

/** Names of rows and columns need so much room, in px. */
const ROOM = { row: 13, column: 15 };
/** The ends of sentences are drawn from this many units on, where they stand at least so many px apart. */
const SENTENCES = { least: 24, apart: 26 };

/** The units' names, cut where they are longer than the room. @param {import("../lib/units.js").Units} units @param {number} room @param {string} family */
export const namesOf = (units, room, family) =>
  units.names.map((name, u) => {
    const whole = units.special[u] ? bare(name) : name;
    let n = Math.min(24, whole.length);
    while (n > 2 && textWidth(short(whole, n), FONT, family) > room) n--;
    return short(whole, n);
  });

/** @param {SVGGElement} g @param {Matrix} m @param {MatrixLayout} layout @param {string[]} names */
export function drawNames(g, m, layout, names) {
  const { x0, x1, y0, cell, window: w, rtl, angle } = layout;
  const { units, selected, state } = m.scene;
  const hot = state.hover === null ? [] : [state.hover];
  const [rows, columns] = m.cross ? [[m.cross[0]], [m.cross[1]]] : [[], []];
  const nodes = [];
  const label = (/** @type {number} */ u, /** @type {boolean} */ chosen, /** @type {Record<string, any>} */ place) => {
    const role = chosen ? "strong name" : units.special[u] ? "small" : "soft name";
    nodes.push(svg("text", { class: role, direction: "ltr", ...place }, names[u]));
  };
  for (const u of named(w.row, w.size, cell, ROOM.row, [...rows, ...selected, ...hot], m.rows)) {
    const [x, anchor] = rtl ? [x1 + 8, "start"] : [x0 - 8, "end"];
    label(u, rows.includes(u), { x, y: layout.y(u) + 4, "text-anchor": anchor, "data-row": u });
  }
  for (const u of named(w.column, w.size, cell, angle ? ROOM.column : 1, [...columns, ...selected, ...hot], m.columns)) {
    const [x, y] = [layout.x(u) + (angle ? (rtl ? -3 : 3) : 0), y0 - 8];
    const turned = angle ? { transform: `rotate(${angle} ${x} ${y})`, "text-anchor": rtl ? "end" : "start" } : { "text-anchor": "middle" };
    label(u, columns.includes(u) || (!m.cross && selected.includes(u)), { x, y, ...turned, "data-column": u });
  }
  if (w.size >= SENTENCES.least && m.n * cell > SENTENCES.apart * units.stops.length)
    for (const stop of units.stops) {
      const [x, y] = [layout.x(stop) + ((rtl ? -1 : 1) * cell) / 2, layout.y(stop) + cell / 2];
      if (x > x0 && x < x1) nodes.push(line(x, x, y0, layout.y1, "stop"));
      if (y > y0 && y < layout.y1) nodes.push(line(x0, x1, y, y, "stop"));
    }
  g.replaceChildren(...nodes);
}

/** @param {number} xa @param {number} xb @param {number} ya @param {number} yb @param {string} kind */
const line = (xa, xb, ya, yb, kind) => svg("line", { class: kind, x1: xa, x2: xb, y1: ya, y2: yb });

/** @param {SVGGElement} g @param {Matrix} m @param {MatrixLayout} layout @param {string} family */
export function drawCross(g, m, layout, family) {
  const { x0, x1, y0, y1, cell, window: w } = layout;
  const { selected, state, x, units } = m.scene;
  const nodes = [];
  const inside = (/** @type {number} */ u, /** @type {number} */ from) => u >= from && u < from + w.size;
  const size = Math.max(3, cell);
  for (const u of new Set([...selected, ...(state.hover === null ? [] : [state.hover])])) {
    const kind = selected.includes(u) ? "column" : "column hot";
    if (u < m.n && inside(u, w.column)) nodes.push(box(layout.x(u) - size / 2, y0, size, y1 - y0, kind));
  }
  for (const [b, t] of x.holes) {
    const u = units.of[t];
    const counts = m.alone ? b === m.b : b <= m.b;
    if (!counts || m.head !== null || !inside(u, w.row) || !inside(u, w.column)) continue;
    const [cx, cy, r] = [layout.x(u), layout.y(u), Math.max(2.5, Math.min(5, cell / 3))];
    nodes.push(svg("path", { class: "hole", d: `M${cx - r},${cy - r}l${2 * r},${2 * r}m0,${-2 * r}l${-2 * r},${2 * r}` }));
  }
  if (m.cross && inside(m.cross[0], w.row) && inside(m.cross[1], w.column)) {
    const [row, column] = m.cross;
    const [cx, cy] = [layout.x(column), layout.y(row)];
    const half = size / 2;
    nodes.push(
      line(x0, cx - half, cy, cy, "cross"),
      line(cx + half, x1, cy, cy, "cross"),
      line(cx, cx, y0, cy - half, "cross"),
      line(cx, cx, cy + half, y1, "cross"),
      box(cx - half, cy - half, size, size, state.cell.length && !state.cross ? "cell pinned" : "cell"),
    );
    if (m.shown) {
      const text = signed(m.shown[row * m.n + column], digitsOf(m));
      const width = textWidth(text, 12, family, 600) + 10;
      const left = Math.max(x0, Math.min(x1 - width, cx + half + 8 + width > x1 ? cx - half - 8 - width : cx + half + 8));
      const top = cy - half - 26 < y0 ? Math.min(y1 - 20, cy + half + 6) : cy - half - 26;
      nodes.push(box(left, top, width, 20, "chip"), svg("text", { class: "strong name middle", x: left + width / 2, y: top + 14 }, text));
    }
  }
  g.replaceChildren(...nodes);
}

/** @param {number} x @param {number} y @param {number} width @param {number} height @param {string} kind */
const box = (x, y, width, height, kind) => svg("rect", { class: kind, x, y, width, height, rx: kind === "chip" ? 3 : null });
