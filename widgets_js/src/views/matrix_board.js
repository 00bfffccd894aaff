/** The board: one canvas for the cells, names and crosshair over it; mouse and keyboard. */
import { FONT, matrixLayout } from "../lib/matrix_layout.js";
import { differ, el, set, svg, textWidth } from "./dom.js";
import { drawCross, drawNames, nameOf } from "./matrix_marks.js";
import { paintMatrix } from "./matrix_paint.js";
import { palette } from "./palette.js";

/** @typedef {import("../lib/matrix.js").Matrix} Matrix */
/** @typedef {import("../lib/matrix_layout.js").MatrixLayout} MatrixLayout */

const HELP =
  "Rollout matrix. A row is the position that receives, a column the token that gives. Arrows move the crosshair, " +
  "Home and End go along the row, with Control along the column, Page Up and Page Down change the layer, " +
  "plus and minus zoom, Enter pins, Escape clears.";
/** A press that moves farther than this, in px, drags the window. */
const DRAG = 4;

/** @param {import("../actions.js").Actions} actions */
export function matrixBoard(actions) {
  const canvas = el("canvas", { "aria-hidden": true });
  const names = svg("g");
  const marks = svg("g");
  const picture = svg("svg", { "aria-hidden": true }, names, marks);
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
  /** @type {number[]} */
  let widths = [];
  const measured = differ();
  listen(root, actions, () => layout);

  return Object.assign(root, {
    layout: () => layout,
    /** @param {Matrix} m @param {number} width @param {number} theme */
    draw(m, width, theme) {
      const { units, rtl, state, selected } = m.scene;
      if (measured(units)) {
        family = getComputedStyle(root).fontFamily;
        widths = units.names.map((_, u) => textWidth(nameOf(units, u), FONT, family));
      }
      if (moved(units, width, state.zoom, rtl)) {
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
      root.classList.toggle("near", Boolean(state.zoom));
      if (repaint(layout, m.shown, m.limit, m.knee, theme)) {
        const context = canvas.getContext("2d");
        if (context) paintMatrix(context, m, layout, palette(probe));
      }
      if (renamed(layout, m.rows, String(m.cross), String(selected), state.hover)) drawNames(names, m, layout);
      drawCross(marks, m, layout, family);
    },
  });
}

/** @param {HTMLElement} root @param {import("../actions.js").Actions} actions @param {() => MatrixLayout | undefined} now */
function listen(root, actions, now) {
  const { matrix } = actions;
  /** @type {{x: number, y: number, left: [number, number], moved: boolean} | null} */
  let press = null;
  const at = (/** @type {MouseEvent} */ event) => {
    const box = root.getBoundingClientRect();
    return now()?.at(event.clientX - box.left, event.clientY - box.top) ?? null;
  };
  root.addEventListener("pointerdown", (event) => (press = { x: event.clientX, y: event.clientY, left: [0, 0], moved: false }));
  root.addEventListener("pointermove", (event) => {
    const layout = now();
    if (press && event.buttons && layout && root.classList.contains("near")) {
      const gone = [event.clientX - press.x, event.clientY - press.y];
      press.moved ||= Math.hypot(...gone) > DRAG;
      const steps = [Math.trunc((layout.rtl ? gone[0] : -gone[0]) / layout.cell), Math.trunc(-gone[1] / layout.cell)];
      if (press.moved) matrix.pan(steps[1] - press.left[1], steps[0] - press.left[0]);
      press.left = /** @type {[number, number]} */ (steps);
      return;
    }
    matrix.point(at(event));
  });
  root.addEventListener("pointerleave", () => ((press = null), matrix.point(null)));
  root.addEventListener("click", (event) => {
    const cell = at(event);
    if (press?.moved) return;
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
