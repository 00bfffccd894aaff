/** The relevance flow: strips per layer, ribbons to the decision, gutter, words. */
import { axisLabels } from "../../geometry/flow_labels.js";
import { flowLayout } from "../../geometry/flow_layout.js";
import { flow as flowOf } from "../../geometry/ribbons.js";
import { fitted } from "../../kit/canvas.js";
import {
  differ,
  el,
  familyOf,
  HIDDEN,
  instance,
  keep,
  penOf,
  probe,
  set,
  svg,
  textWidth,
  view,
} from "../../kit/dom.js";
import { adds, command, keyed, placeIn, targetOf, zooms } from "../../kit/input.js";
import { inks, reader } from "../../kit/palette.js";
import { hatch } from "../../kit/shapes.js";
import { axis, nameOf } from "./axis.js";
import { decision } from "./decision.js";
import { gutter } from "./gutter.js";
import { drawMarks } from "./marks.js";
import { paint } from "./paint.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */
/** @typedef {import("../../geometry/flow_layout.js").Layout} Layout */

const HELP =
  "Relevance flow. Arrows move along words and layers, Enter selects, Space plays; a question mark lists the keys.";

/** @param {import("../../state/actions.js").Actions} actions */
export const flowView = (actions) => {
  const id = instance();
  const canvas = el("canvas", HIDDEN);
  const still = svg("g");
  const marks = svg("g");
  const picture = svg("svg", HIDDEN, hatch(id), still, marks);
  const colour = probe();
  const inksOf = reader(() => {
    const context = penOf(canvas);
    return context && inks(colour, context);
  });
  const root = el(
    "div.flow",
    { tabindex: 0, role: "group", "aria-roledescription": "relevance flow", label: HELP },
    canvas,
    picture,
    colour,
  );
  const moved = differ();
  const repaint = differ();
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
  const survey = (now, _, theme) => {
    ink = inksOf(now, theme);
    family ||= familyOf(root);
  };

  const draw = (/** @type {Scene} */ now, /** @type {number} */ width, /** @type {number} */ theme) => {
    scene = now;
    const { state, units, active, sight, x, rtl } = scene;
    if (moved(units, x, width, sight.first, sight.last)) {
      /** @type {number[]} */
      const widths = [];
      nameWidth = (u) => (widths[u] ??= textWidth(nameOf(units, u), 12, family));
      layout = flowLayout({ width, sight, weights: x.weights, nameWidth, rtl });
      root.style.height = `${layout.height}px`;
      set(picture, { viewBox: `0 0 ${width} ${layout.height}` });
    }
    const focus =
      state.hover !== null && active.length > 1 && active.includes(state.hover) ? state.hover : null;
    const ribbons = active.map(now.ancestry).every(Boolean);
    if (repaint(layout, now.picture, String(active), ribbons, state.play, state.layer, focus, theme)) {
      const flow = flowOf(now, layout);
      const context = fitted(canvas, width, layout.height);
      if (context && ink) paint(context, { scene: now, layout, flow, focus, ...ink });
      labels = axisLabels(now, layout, nameWidth);
      keep(
        still,
        ...gutter(now, layout, id),
        ...axis(now, layout, labels),
        ...decision(now, layout, flow, family),
      );
    }
    drawMarks(marks, still, now, layout, labels);
  };
  return view(root, draw, survey);
};

/**
 * @param {HTMLElement} root
 * @param {import("../../state/actions.js").Actions} actions
 * @param {() => {scene: Scene, layout: Layout}} now
 */
const listen = (root, actions, now) => {
  const at = (/** @type {MouseEvent} */ event) => {
    const { layout } = now();
    const [x, y] = placeIn(root, event);
    const unit = layout.unitAt(x);
    const layer = layout.strips.findIndex((s) => y >= s.top - 3 && y <= s.top + s.height + 3);
    const inside = unit >= layout.first && unit < layout.last && y >= layout.output - 4;
    return { unit: inside ? unit : null, layer: layer < 0 ? null : layer };
  };
  zooms(root, (closer, event) => actions.zoom(closer ? 1 : -1, at(event).unit));
  set(root, {
    pointermove(event) {
      const { unit, layer } = at(event);
      root.style.cursor = unit !== null || layer !== null ? "pointer" : "";
      actions.hover(unit, unit === null ? null : layer);
    },
    pointerleave: () => actions.hover(null),
    click(event) {
      const { unit, layer } = at(event);
      if (unit !== null) actions.pick(unit, adds(event));
      else if (layer !== null) actions.layer(now().scene.state.layer === layer ? null : layer);
      else actions.clear();
    },
    dblclick(event) {
      const { unit } = at(event);
      if (unit !== null) actions.zoom(1, unit);
    },
  });
  keyed(root, (event) => {
    if (targetOf(event) !== root || command(event)) return {};
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
