/** The board: one canvas for the cells, names and crosshair over it; mouse and keyboard. */

import { min } from "../../evidence/maths.js";
import { FONT, matrixLayout, nameRoom } from "../../geometry/matrix_layout.js";
import { fitCanvas } from "../../kit/canvas.js";
import {
  colourProbe,
  createChangeTest,
  el,
  fontFamily,
  HIDDEN,
  setAttributes,
  svg,
  textWidth,
  toggleClass,
  view,
} from "../../kit/dom.js";
import { eventTarget, isCommand, listenToKeys, listenToZoom, pointerPlace } from "../../kit/input.js";
import { readPalette } from "../../kit/palette.js";
import { drawCross, drawNames, fitNames } from "./marks.js";
import { paintMatrix } from "./paint.js";

/** @typedef {import("../../evidence/matrix.js").Matrix} Matrix */
/** @typedef {import("../../geometry/matrix_layout.js").MatrixLayout} MatrixLayout */

const HELP =
  "Rollout matrix: rows receive, columns give. Arrows move the crosshair, Enter pins it; a question " +
  "mark lists the keys.";

/** @param {import("../../state/actions.js").Actions} actions */
export const matrixBoardView = (actions) => {
  const canvas = el("canvas", HIDDEN);
  const axes = svg("g");
  const marks = svg("g");
  const picture = svg("svg", HIDDEN, axes, marks);
  const colour = colourProbe();
  const root = el(
    "div.board",
    { tabindex: 0, role: "group", "aria-roledescription": "matrix", label: HELP },
    canvas,
    picture,
    colour,
  );
  const moved = createChangeTest();
  const repaint = createChangeTest();
  const renamed = createChangeTest();
  const measured = createChangeTest();
  /** @type {MatrixLayout} */
  let layout;
  let family = "";
  /** @type {string[]} */
  let names = [];
  listen(root, actions, () => layout);

  return view(root, (/** @type {Matrix} */ m, /** @type {number} */ width, /** @type {number} */ theme) => {
    const { units, rtl, state, selected } = m.scene;
    const room = nameRoom(width);
    if (measured(units, room)) {
      family = fontFamily(root);
      names = fitNames(units, room, family);
    }
    if (moved(names, width, state.zoom, rtl)) {
      const widths = names.map((name) => min(room, textWidth(name, FONT, family)));
      layout = matrixLayout({ width, count: m.n, names: widths, zoom: state.zoom, rtl });
      root.style.width = `${layout.width}px`;
      root.style.height = `${layout.height}px`;
      setAttributes(picture, { viewBox: `0 0 ${layout.width} ${layout.height}` });
    }
    toggleClass(root, "late", m.late);
    if (repaint(layout, m.shown, m.limit, m.knee, theme)) {
      const context = fitCanvas(canvas, layout.width, layout.height);
      if (context) paintMatrix(context, m, layout, readPalette(colour));
    }
    if (renamed(layout, m.rows, String(m.cross), String(selected), state.hover))
      drawNames(axes, m, layout, names);
    drawCross(marks, m, layout, family);
  });
};

/**
 * @param {HTMLElement} root @param {import("../../state/actions.js").Actions} actions
 * @param {() => MatrixLayout} now
 */
const listen = (root, actions, now) => {
  const { matrix } = actions;
  /** @param {MouseEvent} event */
  const at = (event) => now().at(...pointerPlace(root, event));
  listenToZoom(root, (closer, event) => matrix.zoom(closer ? 0.8 : 1.25, at(event) ?? undefined));
  setAttributes(root, {
    pointermove: (event) => matrix.point(at(event)),
    pointerleave: () => matrix.point(null),
    click(event) {
      const cell = at(event);
      if (cell) matrix.pin(cell);
      else actions.clear();
    },
  });
  listenToKeys(root, (event) => {
    if (eventTarget(event) !== root || event.altKey) return {};
    const along = now().rtl ? -1 : 1;
    const held = isCommand(event);
    /** @param {number} s */
    const far = (s) => () => matrix.walk(held ? s * 1e9 : 0, held ? 0 : s * 1e9);
    const ends = { Home: far(-1), End: far(1) };
    if (held) return ends;
    return {
      ...ends,
      ArrowRight: () => matrix.walk(0, along),
      ArrowLeft: () => matrix.walk(0, -along),
      ArrowUp: () => matrix.walk(-1, 0),
      ArrowDown: () => matrix.walk(1, 0),
      PageUp: () => matrix.climb(1),
      PageDown: () => matrix.climb(-1),
      "+": () => matrix.zoom(0.5),
      "=": () => matrix.zoom(0.5),
      "-": () => matrix.zoom(2),
      0: () => matrix.zoom(1e9),
      Enter: matrix.enter,
    };
  });
};
