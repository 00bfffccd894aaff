/** A picture under its map that can be pointed at: its patches are picked like words. */
import { floor, round } from "../evidence/maths.js";
import { fitCanvas } from "../kit/canvas.js";
import { createChangeTest, el, HIDDEN, replaceContent, setAttributes, svg, view } from "../kit/dom.js";
import { isAdding, pointerPlace } from "../kit/input.js";
import { paintMap } from "./paint.js";

/** @typedef {import("./evidence/settings.js").Scene} Scene */
/** @typedef {import("./paint.js").Look} Look */
/**
 * @typedef {{scene: Scene, look: Look, width: number, values: number[], limit: number, chosen: number[],
 *   lost?: number[]}} Drawn
 */

/**
 * @param {import("./actions.js").PatchActions} actions
 * @param {boolean} [brushed] a rectangle can be drawn over it
 */
export const plateView = (actions, brushed) => {
  const canvas = el("canvas", HIDDEN);
  const marks = svg("svg", HIDDEN);
  const root = el("div.plate", canvas, marks);
  const repaint = createChangeTest();
  const remark = createChangeTest();
  /** @type {Drawn} */
  let now;

  /** The patch at a place; null beyond the edge. @param {MouseEvent} event */
  const at = (event) => {
    const { rows, columns } = now.look.grid;
    const [x, y] = pointerPlace(root, event);
    const [row, column] = [floor((y / root.clientHeight) * rows), floor((x / root.clientWidth) * columns)];
    return row >= 0 && row < rows && column >= 0 && column < columns ? row * columns + column : null;
  };
  /** @param {MouseEvent} event */
  const unitAt = (event) => {
    const patch = at(event);
    return patch === null ? null : now.look.grid.patches[patch];
  };
  /** Where a rectangle was begun, and whether it has become one. */
  let from = /** @type {number | null} */ (null);
  let brushing = false;
  setAttributes(root, {
    pointerdown(event) {
      brushing = false;
      // A finger that moves scrolls the page.
      if (brushed && event.pointerType === "mouse" && !event.button) from = at(event);
    },
    pointermove(event) {
      const to = at(event);
      actions.hover(unitAt(event));
      if (from === null || to === null || !(event.buttons & 1) || (to === from && !brushing)) return;
      if (!brushing) root.setPointerCapture(event.pointerId);
      brushing = true;
      actions.brush(now.look.grid, from, to, isAdding(event));
    },
    pointerup() {
      from = null;
      if (brushing) actions.brushed();
    },
    pointerleave: () => actions.hover(null),
    click(event) {
      const unit = unitAt(event);
      if (!brushing && unit !== null) actions.pick(unit, isAdding(event));
    },
  });

  return view(root, (/** @type {Drawn} */ next) => {
    now = next;
    const { scene, look, width, values, limit, chosen, lost = [] } = next;
    const { grid } = look;
    const height = round(width / grid.ratio);
    if (repaint(look, width, values, limit)) {
      root.style.width = `${width}px`;
      root.style.height = `${height}px`;
      setAttributes(marks, { viewBox: `0 0 ${width} ${height}` });
      const context = fitCanvas(canvas, width, height);
      if (context) paintMap(context, look, width, height, values, limit);
    }
    const { hover } = scene.state;
    if (!remark(grid, width, hover, String(chosen), String(lost))) return;
    const place = placed(grid, width, height);
    replaceContent(
      marks,
      ...lost.map((unit) => hole(place, unit)),
      ...outline(place, chosen, "chosen"),
      ...(hover === null || !grid.patches.includes(hover) ? [] : outline(place, [hover], "pointed")),
    );
  });
};

/** @param {import("./evidence/map.js").Grid} grid @param {number} width @param {number} height */
const placed = ({ columns, rows, patches }, width, height) => {
  const [w, h] = [width / columns, height / rows];
  return {
    w,
    h,
    columns,
    /** @param {number} unit */
    of(unit) {
      const patch = patches.indexOf(unit);
      return { patch, x: (patch % columns) * w, y: floor(patch / columns) * h };
    },
  };
};

/** @typedef {ReturnType<typeof placed>} Place */

/**
 * The border of some patches together, on a lighter ground so that it is seen on any picture.
 * @param {Place} place @param {number[]} units @param {string} kind
 */
const outline = ({ w, h, columns, of }, units, kind) => {
  const places = units.map(of).filter(({ patch }) => patch >= 0);
  const all = new Set(places.map(({ patch }) => patch));
  const d = places
    .map(({ patch, x, y }) => {
      const column = patch % columns;
      const sides = [
        all.has(patch - columns) ? "" : `M${x} ${y}h${w}`,
        all.has(patch + columns) ? "" : `M${x} ${y + h}h${w}`,
        column && all.has(patch - 1) ? "" : `M${x} ${y}v${h}`,
        column < columns - 1 && all.has(patch + 1) ? "" : `M${x + w} ${y}v${h}`,
      ];
      return sides.join("");
    })
    .join("");
  return d ? [svg(`path.ground.${kind}`, { d }), svg(`path.${kind}`, { d })] : [];
};

/** Not a number. @param {Place} place @param {number} unit */
const hole = ({ w, h, of }, unit) => {
  const { x, y } = of(unit);
  const [cx, cy, r] = [x + w / 2, y + h / 2, Math.min(w, h, 24) * 0.28];
  const d = `M${cx - r} ${cy - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;
  return svg("g", svg("path.ground.hole", { d }), svg("path.hole", { d }));
};
