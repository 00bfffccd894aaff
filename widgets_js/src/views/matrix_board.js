/** The board: one canvas for the cells, names and crosshair over it; mouse and keyboard. */
import { FONT, matrixLayout, nameRoom } from "../lib/matrix_layout.js";
import { differ, el, set, svg, textWidth } from "./dom.js";
import { drawCross, drawNames, namesOf } from "./matrix_marks.js";
import { paintMatrix } from "./matrix_paint.js";
import { palette } from "./palette.js";

/** @typedef {import("../lib/matrix.js").Matrix} Matrix */
/** @typedef {import("../lib/matrix_layout.js").MatrixLayout} MatrixLayout */

const HELP =
  "Rollout matrix: rows receive, columns give. Arrows move the crosshair, Home and End go to the ends of a row, " +
  "with Control of a column; Page Up and Down change the layer, plus and minus zoom, Enter pins, Escape clears.";

/** @param {import("../actions.js").Actions} actions */
export function matrixBoard(actions) {
  const canvas = el("canvas", { "aria-hidden": true });
  const axes = svg("g");
  const marks = svg("g");
  const picture = svg("svg", { "aria-hidden": true }, axes, marks);
  const probe = el("i", { hidden: true });
  const root = el(
    "div",
    { class: "board", tabindex: 0, role: "group", "aria-roledescription": "matrix", "aria-label": HELP },
    canvas,
    picture,
    probe,
  );
  const moved = differ();
  const repaint = differ();
  const renamed = differ();
  /** @type {MatrixLayout | undefined} */
  let layout;
  let family = "";
  /** @type {string[]} */
  let names = [];
  /** @type {number[]} */
  let widths = [];
  const measured = differ();
  listen(root, actions, () => layout);

  return Object.assign(root, {
    layout: () => layout,
    /** @param {Matrix} m @param {number} width @param {number} theme */
    draw(m, width, theme) {
      const { units, rtl, state, selected } = m.scene;
      const room = nameRoom(width);
      if (measured(units, room)) {
        family = getComputedStyle(root).fontFamily;
        names = namesOf(units, room, family);
        widths = names.map((name) => Math.min(room, textWidth(name, FONT, family)));
      }
      if (moved(names, width, state.zoom, rtl)) {
        layout = matrixLayout({ width, count: m.n, names: widths, zoom: state.zoom, rtl });
        const ratio = Math.min(3, window.devicePixelRatio || 1);
        canvas.width = Math.round(layout.width * ratio);
        canvas.height = Math.round(layout.height * ratio);
        root.style.width = `${layout.width}px`;
        root.style.height = `${layout.height}px`;
        set(picture, { viewBox: `0 0 ${layout.width} ${layout.height}` });
      }
      if (!layout) return;
      root.classList.toggle("late", m.late);
      if (repaint(layout, m.shown, m.limit, m.knee, theme)) {
        const context = canvas.getContext("2d");
        if (context) paintMatrix(context, m, layout, palette(probe));
      }
      if (renamed(layout, m.rows, String(m.cross), String(selected), state.hover)) drawNames(axes, m, layout, names);
      drawCross(marks, m, layout, family);
    },
  });
}

/** @param {HTMLElement} root @param {import("../actions.js").Actions} actions @param {() => MatrixLayout | undefined} now */
function listen(root, actions, now) {
  const { matrix } = actions;
  const at = (/** @type {MouseEvent} */ event) => {
    const box = root.getBoundingClientRect();
    return now()?.at(event.clientX - box.left, event.clientY - box.top) ?? null;
  };
  root.addEventListener("pointermove", (event) => matrix.point(at(event)));
  root.addEventListener("pointerleave", () => matrix.point(null));
  root.addEventListener("click", (event) => {
    const cell = at(event);
    if (cell) matrix.pin(cell);
    else actions.clear();
  });
  root.addEventListener(
    "wheel",
    (event) => {
      // A plain wheel scrolls the notebook.
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      matrix.zoom(event.deltaY > 0 ? 1.25 : 0.8, at(event) ?? undefined);
    },
    { passive: false },
  );
  root.addEventListener("keydown", (event) => {
    if (event.target !== root) return;
    const along = now()?.rtl ? -1 : 1;
    const far = (/** @type {number} */ s) => (event.ctrlKey || event.metaKey ? matrix.walk(s * 1e9, 0) : matrix.walk(0, s * 1e9));
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowRight: () => matrix.walk(0, along),
      ArrowLeft: () => matrix.walk(0, -along),
      ArrowUp: () => matrix.walk(-1, 0),
      ArrowDown: () => matrix.walk(1, 0),
      Home: () => far(-1),
      End: () => far(1),
      PageUp: () => matrix.climb(1),
      PageDown: () => matrix.climb(-1),
      "+": () => matrix.zoom(0.5),
      "-": () => matrix.zoom(2),
      Enter: () => matrix.enter(),
    };
    const act = keys[event.key === "=" ? "+" : event.key];
    const browsers = event.altKey || ((event.ctrlKey || event.metaKey) && !/^(Home|End)$/.test(event.key));
    if (!act || browsers) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  });
}
