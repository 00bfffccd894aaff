/** The relevance flow: strips per layer, ribbons to the decision, gutter, words. */
import { axisLabels } from "../../geometry/flow_labels.js";
import { flowLayout } from "../../geometry/flow_layout.js";
import { layOutRibbons } from "../../geometry/ribbons.js";
import { fitCanvas } from "../../kit/canvas.js";
import {
  colourProbe,
  contextOf,
  createChangeTest,
  el,
  fontFamily,
  HIDDEN,
  setAttributes,
  svg,
  textWidth,
  uniqueId,
  updateContent,
  view,
} from "../../kit/dom.js";
import {
  eventTarget,
  isAdding,
  isCommand,
  listenToKeys,
  listenToZoom,
  pointerPlace,
} from "../../kit/input.js";
import { createInks, createReader } from "../../kit/palette.js";
import { hatchPattern } from "../../kit/shapes.js";
import { drawAxis, unitName } from "./axis.js";
import { drawDecision } from "./decision.js";
import { drawGutter } from "./gutter.js";
import { drawMarks } from "./marks.js";
import { paintFlow } from "./paint.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */
/** @typedef {import("../../geometry/flow_layout.js").Layout} Layout */

const HELP =
  "Relevance flow. Arrows move along words and layers, Enter selects, Space plays; a question mark " +
  "lists the keys.";

/** @param {import("../../state/actions.js").Actions} actions */
export const flowView = (actions) => {
  const id = uniqueId();
  const canvas = el("canvas", HIDDEN);
  const still = svg("g");
  const marks = svg("g");
  const picture = svg("svg", HIDDEN, hatchPattern(id), still, marks);
  const colour = colourProbe();
  const inksOf = createReader(() => {
    const context = contextOf(canvas);
    return context && createInks(colour, context);
  });
  const root = el(
    "div.flow",
    { tabindex: 0, role: "group", "aria-roledescription": "relevance flow", label: HELP },
    canvas,
    picture,
    colour,
  );
  const moved = createChangeTest();
  const repaint = createChangeTest();
  /** @type {Scene} */
  let scene;
  /** @type {Layout} */
  let layout;
  /** Measured when it is needed. @type {(unit: number) => number} */
  let nameWidth;
  /** @type {import("../../geometry/flow_labels.js").Label[]} */
  let labels = [];
  let family = "";
  /** @type {import("../../kit/palette.js").Inks | null} */
  let ink;

  listen(root, actions, () => ({ scene, layout }));

  /** @param {Scene} now @param {number} _ @param {number} theme */
  const measure = (now, _, theme) => {
    ink = inksOf(now, theme);
    family ||= fontFamily(root);
  };

  /** @param {Scene} now @param {number} width @param {number} theme */
  const draw = (now, width, theme) => {
    scene = now;
    const { state, units, active, sight, x, rtl } = scene;
    if (moved(units, x, width, sight.first, sight.last)) {
      /** @type {number[]} */
      const widths = [];
      nameWidth = (u) => (widths[u] ??= textWidth(unitName(units, u), 12, family));
      layout = flowLayout({ width, sight, weights: x.weights, nameWidth, rtl });
      root.style.height = `${layout.height}px`;
      setAttributes(picture, { viewBox: `0 0 ${width} ${layout.height}` });
    }
    const focus =
      state.hover !== null && active.length > 1 && active.includes(state.hover) ? state.hover : null;
    const ribbons = active.map(now.ancestry).every(Boolean);
    if (repaint(layout, now.unitEvidence, String(active), ribbons, state.play, state.layer, focus, theme)) {
      const flow = layOutRibbons(now, layout);
      const context = fitCanvas(canvas, width, layout.height);
      if (context && ink) paintFlow(context, { scene: now, layout, flow, focus, ...ink });
      labels = axisLabels(now, layout, nameWidth);
      updateContent(
        still,
        ...drawGutter(now, layout, id),
        ...drawAxis(now, layout, labels),
        ...drawDecision(now, layout, flow, family),
      );
    }
    drawMarks(marks, still, now, layout, labels);
  };
  return view(root, draw, measure);
};

/**
 * @param {HTMLElement} root
 * @param {import("../../state/actions.js").Actions} actions
 * @param {() => {scene: Scene, layout: Layout}} now
 */
const listen = (root, actions, now) => {
  /** @param {MouseEvent} event */
  const at = (event) => {
    const { layout } = now();
    const [x, y] = pointerPlace(root, event);
    const unit = layout.unitAt(x);
    const layer = layout.strips.findIndex((s) => y >= s.top - 3 && y <= s.top + s.height + 3);
    const inside = unit >= layout.first && unit < layout.last && y >= layout.output - 4;
    return { unit: inside ? unit : null, layer: layer < 0 ? null : layer };
  };
  listenToZoom(root, (closer, event) => actions.zoom(closer ? 1 : -1, at(event).unit));
  setAttributes(root, {
    pointermove(event) {
      const { unit, layer } = at(event);
      root.style.cursor = unit !== null || layer !== null ? "pointer" : "";
      actions.hover(unit, unit === null ? null : layer);
    },
    pointerleave: () => actions.hover(null),
    click(event) {
      const { unit, layer } = at(event);
      if (unit !== null) actions.pick(unit, isAdding(event));
      else if (layer !== null) actions.layer(now().scene.state.layer === layer ? null : layer);
      else actions.clear();
    },
    dblclick(event) {
      const { unit } = at(event);
      if (unit !== null) actions.zoom(1, unit);
    },
  });
  listenToKeys(root, (event) => {
    if (eventTarget(event) !== root || isCommand(event)) return {};
    const { rtl, state } = now().scene;
    const ahead = rtl ? -1 : 1;
    return {
      ArrowRight: () => actions.walk(ahead),
      ArrowLeft: () => actions.walk(-ahead),
      ArrowUp: () => actions.climb(1),
      ArrowDown: () => actions.climb(-1),
      ...actions.zoomKeys,
      Enter: () => state.hover !== null && actions.pick(state.hover, event.shiftKey),
      " ": actions.play,
    };
  });
};
