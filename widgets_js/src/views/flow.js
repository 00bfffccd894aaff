/** The relevance flow: strips per layer, ribbons to the decision, gutter, words. */
import { short } from "../lib/format.js";
import { axisLabels } from "../lib/axis.js";
import { flowLayout } from "../lib/layout.js";
import { flow as flowOf } from "../lib/ribbons.js";
import { bare } from "../lib/units.js";
import { differ, el, instance, set, svg, textWidth } from "./dom.js";
import { drawAxis } from "./flow_axis.js";
import { drawDecision } from "./flow_decision.js";
import { drawGutter } from "./flow_gutter.js";
import { drawMarks } from "./flow_marks.js";
import { paint } from "./flow_paint.js";
import { inks } from "./palette.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */
/** @typedef {import("../lib/layout.js").Layout} Layout */

const NAME = 16;
const HELP =
  "Relevance flow. Left and right move along the words, up and down along the layers, " +
  "Enter selects, Escape clears, Space plays, plus and minus zoom.";

/** @param {import("../actions.js").Actions} actions */
export function flowView(actions) {
  const id = instance();
  const canvas = el("canvas", { "aria-hidden": true });
  const still = svg("g");
  const marks = svg("g");
  const picture = svg("svg", { "aria-hidden": true }, hatch(`${id}-hatch`), still, marks);
  const probe = el("i", { hidden: true });
  const root = el(
    "div",
    { class: "flow", tabindex: 0, role: "group", "aria-roledescription": "relevance flow", "aria-label": HELP },
    canvas,
    picture,
    probe,
  );
  const moved = differ();
  const repaint = differ();
  /** @type {Scene | undefined} */
  let scene;
  /** @type {Layout | undefined} */
  let layout;
  /** @type {number[]} */
  let names = [];
  /** @type {import("../lib/axis.js").Label[]} */
  let labels = [];
  let family = "";
  /** @type {import("./palette.js").Inks | undefined} */
  let ink;

  listen(root, actions, () => scene && layout && { scene, layout });

  /** @param {Scene} now @param {number} width */
  function arrange(now, width) {
    family = getComputedStyle(root).fontFamily;
    names = now.units.names.map((name, u) =>
      textWidth(now.units.special[u] ? bare(name) : short(name, NAME), 12, family),
    );
    layout = flowLayout({ width, sight: now.sight, weights: now.x.weights, names, rtl: now.rtl });
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(layout.height * ratio);
    root.style.height = `${layout.height}px`;
    set(picture, { viewBox: `0 0 ${width} ${layout.height}` });
  }

  return Object.assign(root, {
    /** @param {Scene} now @param {number} width @param {number} theme changes when the colours do */
    draw(now, width, theme) {
      scene = now;
      if (moved(now.units, now.x, width, now.sight.first, now.sight.last)) arrange(now, width);
      if (!layout) return;
      const { state } = now;
      const focus = state.hover !== null && now.active.length > 1 && now.active.includes(state.hover) ? state.hover : null;
      const ribbons = now.active.map(now.ancestry).every(Boolean);
      if (repaint(layout, now.picture, String(now.active), ribbons, state.play, state.layer, focus, theme)) {
        const flow = flowOf(now, layout);
        const context = canvas.getContext("2d");
        if (context) {
          if (!ink || !(state.dragging || state.playing)) ink = inks(probe, context, canvas.width / layout.width);
          paint(context, { scene: now, layout, flow, focus, ...ink });
        }
        const scale = layout.font / 12;
        labels = axisLabels(now, layout, names.map((w) => w * scale));
        still.replaceChildren();
        drawDecision(still, now, layout, flow, family);
        drawGutter(still, now, layout, `${id}-hatch`);
        drawAxis(still, now, layout, labels);
      }
      drawMarks(marks, still, now, layout, labels);
    },
  });
}

/** @param {string} id */
function hatch(id) {
  return svg(
    "defs",
    {},
    svg(
      "pattern",
      { id, width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      svg("rect", { class: "gap", width: 1.4, height: 4 }),
    ),
  );
}

/**
 * @param {HTMLElement} root
 * @param {import("../actions.js").Actions} actions
 * @param {() => {scene: Scene, layout: Layout} | undefined} now
 */
function listen(root, actions, now) {
  const at = (/** @type {MouseEvent} */ event) => {
    const current = now();
    if (!current) return { unit: null, layer: null };
    const { layout, scene } = current;
    const box = root.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const unit = layout.unitAt(x);
    const layer = layout.strips.findIndex((s) => y >= s.top - 3 && y <= s.top + s.height + 3);
    const inside = unit >= layout.first && unit < layout.last && y >= layout.output - 4;
    return { unit: inside ? unit : null, layer: layer < 0 ? null : layer };
  };
  root.addEventListener("pointermove", (event) => {
    const { unit, layer } = at(event);
    root.style.cursor = unit !== null || layer !== null ? "pointer" : "";
    actions.hover(unit, unit === null ? null : layer);
  });
  root.addEventListener("pointerleave", () => actions.hover(null));
  root.addEventListener("click", (event) => {
    const { unit, layer } = at(event);
    const state = now()?.scene.state;
    if (unit !== null) actions.pick(unit, event.shiftKey || event.metaKey || event.ctrlKey);
    else if (layer !== null) actions.layer(state?.layer === layer ? null : layer);
    else actions.clear();
  });
  root.addEventListener("dblclick", (event) => {
    const { unit } = at(event);
    if (unit !== null) actions.zoom(1, unit);
  });
  root.addEventListener(
    "wheel",
    (event) => {
      // Without a key the wheel belongs to the page.
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      actions.zoom(event.deltaY < 0 ? 1 : -1, at(event).unit);
    },
    { passive: false },
  );
  root.addEventListener("keydown", (event) => {
    const current = now();
    if (!current || event.target !== root) return;
    const { scene } = current;
    const rightwards = scene.rtl ? -1 : 1;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowRight: () => actions.walk(rightwards),
      ArrowLeft: () => actions.walk(-rightwards),
      ArrowUp: () => actions.climb(1),
      ArrowDown: () => actions.climb(-1),
      "+": () => actions.zoom(1),
      "=": () => actions.zoom(1),
      "-": () => actions.zoom(-1),
      0: () => actions.span(null),
      Enter: () => scene.state.hover !== null && actions.pick(scene.state.hover, event.shiftKey),
      " ": () => actions.play(),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
    keys[event.key]();
    event.preventDefault();
    event.stopPropagation();
  });
}
