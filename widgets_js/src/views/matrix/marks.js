/** What lies over the matrix: names, sentence ends, crosshair, selection, values that are missing. */
import { sizes } from "../../evidence/design.js";
import { formatSigned, shorten } from "../../evidence/format.js";
import { clamp, max, min } from "../../evidence/maths.js";
import { stripBrackets } from "../../evidence/units.js";
import { chooseNames, FONT } from "../../geometry/matrix_layout.js";
import { replaceContent, setAttributes, svg, textWidth } from "../../kit/dom.js";
import { line, rect, svgText } from "../../kit/shapes.js";
import { blockCounts, matrixDigits } from "../../wording/matrix_story.js";

/** @typedef {import("../../evidence/matrix.js").Matrix} Matrix */
/** @typedef {import("../../geometry/matrix_layout.js").MatrixLayout} MatrixLayout */

/** Names of rows and columns need so much room, in px. */
const { ROW, COLUMN } = sizes.matrix;
/** The ends of sentences are drawn from this many units on, where they stand at least so many px apart. */
const { LEAST, APART } = sizes.matrix;

/**
 * The units' names, cut where they are longer than the room.
 * @param {import("../../evidence/units.js").Units} units @param {number} room @param {string} family
 */
export const fitNames = (units, room, family) =>
  units.names.map((name, u) => {
    const whole = units.special[u] ? stripBrackets(name) : name;
    let n = min(24, whole.length);
    while (n > 2 && textWidth(shorten(whole, n), FONT, family) > room) n--;
    return shorten(whole, n);
  });

/** @param {SVGGElement} g @param {Matrix} m @param {MatrixLayout} layout @param {string[]} names */
export const drawNames = (g, m, { x0, x1, y0, y1, cell, window: w, rtl, angle, x, y }, names) => {
  const { units, selected, state } = m.scene;
  const [row, column] = m.cross ?? [];
  /** @param {number | undefined} crossed */
  const chosen = (crossed) =>
    [crossed, ...selected, state.hover].filter((u) => u !== undefined && u !== null);
  /** @param {number} u @param {boolean} strong @param {number} x @param {number} y @param {any} place */
  const label = (u, strong, x, y, place) =>
    setAttributes(
      svgText(strong ? "strong name" : units.special[u] ? "small" : "soft name", x, y, names[u]),
      {
        direction: "ltr",
        ...place,
      },
    );
  const rows = chooseNames(w.row, w.side, cell, ROW, chosen(row), m.rows).map((u) =>
    label(u, u === row, rtl ? x1 + 8 : x0 - 8, y(u) + 4, {
      "text-anchor": rtl ? "start" : "end",
      "data-row": u,
    }),
  );
  const columns = chooseNames(w.column, w.side, cell, angle ? COLUMN : 1, chosen(column), m.columns).map(
    (u) => {
      const [px, py] = [x(u) + (angle ? (rtl ? -3 : 3) : 0), y0 - 8];
      return label(u, m.cross ? u === column : selected.includes(u), px, py, {
        transform: angle ? `rotate(${angle} ${px} ${py})` : null,
        "text-anchor": !angle ? "middle" : rtl ? "end" : "start",
        "data-column": u,
      });
    },
  );
  const ends = w.side >= LEAST && m.n * cell > APART * units.stops.length ? units.stops : [];
  const stops = ends.flatMap((stop) => {
    const [px, py] = [x(stop) + ((rtl ? -1 : 1) * cell) / 2, y(stop) + cell / 2];
    return [
      px > x0 && px < x1 && line("stop", px, px, y0, y1),
      py > y0 && py < y1 && line("stop", x0, x1, py, py),
    ];
  });
  replaceContent(g, ...rows, ...columns, ...stops);
};

/** @param {SVGGElement} g @param {Matrix} m @param {MatrixLayout} layout @param {string} family */
export const drawCross = (g, m, { x0, x1, y0, y1, cell, window: w, x: xOf, y: yOf }, family) => {
  const { selected, state, x, units } = m.scene;
  const nodes = [];
  /** @param {number} u @param {number} from */
  const inside = (u, from) => u >= from && u < from + w.side;
  const size = max(3, cell);
  const half = size / 2;
  for (const u of new Set([...selected, state.hover ?? -1]))
    if (inside(u, w.column))
      nodes.push(rect(`column ${selected.includes(u) ? "" : "hot"}`, xOf(u) - half, y0, size, y1 - y0));
  const counts = blockCounts(m);
  for (const [b, i, k] of x.gaps) {
    const [row, column] = [units.of[i], units.of[k]];
    if (!counts(b) || !inside(row, w.row) || !inside(column, w.column)) continue;
    const r = clamp(cell / 3, 2.5, 5);
    nodes.push(
      svg("path.hole", {
        d: `M${xOf(column) - r},${yOf(row) - r}l${2 * r},${2 * r}m0,${-2 * r}l${-2 * r},${2 * r}`,
      }),
    );
  }
  if (m.cross && inside(m.cross[0], w.row) && inside(m.cross[1], w.column)) {
    const [row, column] = m.cross;
    const [cx, cy] = [xOf(column), yOf(row)];
    nodes.push(
      line("cross", x0, cx - half, cy, cy),
      line("cross", cx + half, x1, cy, cy),
      line("cross", cx, cx, y0, cy - half),
      line("cross", cx, cx, cy + half, y1),
      rect(`cell ${state.cell.length && !state.cross ? "pinned" : ""}`, cx - half, cy - half, size, size),
    );
    if (m.shown) {
      const text = formatSigned(m.shown[row * m.n + column], matrixDigits(m));
      const width = textWidth(text, 12, family, 600) + 10;
      const beside = half + 8;
      const left = max(x0, min(x1 - width, cx + beside + width > x1 ? cx - beside - width : cx + beside));
      const above = cy - half - 26;
      const top = above < y0 ? min(y1 - 20, cy + half + 6) : above;
      nodes.push(
        rect("chip", left, top, width, 20, { rx: 3 }),
        svgText("strong name middle", left + width / 2, top + 14, text),
      );
    }
  }
  replaceContent(g, ...nodes);
};
