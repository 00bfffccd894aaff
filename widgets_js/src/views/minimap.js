/** The whole of a long text as one line of bars, and the window that is in sight. */
import { clamp } from "../lib/format.js";
import { LONG, spanOf } from "../lib/zoom.js";
import { differ, el, set } from "./dom.js";
import { inks, rgba } from "./palette.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */

const HEIGHT = 34;
/** How near to an edge of the window the pointer takes hold of it, in px. */
const GRIP = 7;

/** @param {import("../actions.js").Actions} actions */
export function minimapView(actions) {
  const canvas = el("canvas", { "aria-hidden": true, height: HEIGHT });
  const view = el("div", {
    class: "window",
    role: "slider",
    tabindex: 0,
    "aria-label": "Part of the text in sight",
    "aria-valuemin": 1,
  });
  const probe = el("i", { hidden: true });
  const root = el("div", { class: "minimap", hidden: true }, canvas, view, probe);
  const repaint = differ();
  const moved = differ();
  /** @type {Scene | undefined} */
  let scene;
  listen(root, view, actions, () => scene);

  /** @param {Scene} now @param {number} width */
  function paint({ picture: p, units, rtl, x }, width) {
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(HEIGHT * ratio);
    const context = canvas.getContext("2d");
    if (!context) return;
    const { colours } = inks(probe, context, ratio);
    context.scale(ratio, ratio);
    const T = x.tokens.length;
    const middle = HEIGHT / 2;
    context.fillStyle = rgba(colours.rule);
    context.fillRect(0, middle - 0.5, width, 1);
    // A unit's bar stands over all its tokens, the stronger of a pixel before the weaker.
    const order = [...p.net.keys()].sort((a, b) => Math.abs(p.net[a]) - Math.abs(p.net[b]));
    for (const u of order) {
      const m = units.members[u];
      const v = clamp(p.net[u] / p.largest, -1, 1);
      if (Math.abs(v) < 0.02) continue;
      const w = Math.max(1, ((m[m.length - 1] - m[0] + 1) / T) * width - (units.granularity === "word" ? 0 : 1));
      const left = rtl ? width - ((m[m.length - 1] + 1) / T) * width : (m[0] / T) * width;
      context.fillStyle = rgba(colours[v > 0 ? "sup" : "opp"]);
      context.fillRect(left, v > 0 ? middle - v * (middle - 2) : middle, w, Math.abs(v) * (middle - 2));
    }
  }

  return Object.assign(root, {
    /** @param {Scene} now @param {number} width @param {number} theme */
    draw(now, width, theme) {
      scene = now;
      const { x, state, rtl } = now;
      const T = x.tokens.length;
      root.hidden = T < LONG;
      if (root.hidden) return;
      if (repaint(now.picture, now.units, width, theme)) paint(now, width);
      if (!moved(state.span, T, rtl)) return;
      const [from, to] = state.span ?? [0, T - 1];
      const share = (/** @type {number} */ t) => `${(100 * t) / T}%`;
      view.style.insetInlineStart = share(from);
      view.style.width = share(to - from + 1);
      set(root, { dir: rtl ? "rtl" : "ltr" });
      view.classList.toggle("whole", !state.span);
      set(view, {
        "aria-valuenow": from + 1,
        "aria-valuemax": T,
        "aria-valuetext": state.span ? `tokens ${from + 1} to ${to + 1} of ${T}` : `all ${T} tokens`,
      });
    },
  });
}

/**
 * @param {HTMLElement} root @param {HTMLElement} view
 * @param {import("../actions.js").Actions} actions @param {() => Scene | undefined} now
 */
function listen(root, view, actions, now) {
  /** @type {((token: number, final: boolean) => void) | null} */
  let drag = null;
  const at = (/** @type {PointerEvent} */ event) => {
    const box = root.getBoundingClientRect();
    const share = clamp((event.clientX - box.left) / box.width, 0, 1);
    const scene = /** @type {Scene} */ (now());
    return (scene.rtl ? 1 - share : share) * scene.x.tokens.length;
  };
  root.addEventListener("pointerdown", (event) => {
    const scene = now();
    if (!scene || event.button) return;
    const T = scene.x.tokens.length;
    const start = at(event);
    const { span } = scene.state;
    const grip = (GRIP / root.clientWidth) * T;
    const half = span ? (span[1] - span[0]) / 2 : T / 12;
    const [from, to] = span ?? [start, start];
    let far = false;
    /** @param {(t: number) => import("../lib/zoom.js").Span} f */
    const drags = (f) => (/** @type {number} */ t, /** @type {boolean} */ final) => {
      far ||= Math.abs(t - start) > grip / 2;
      if (far || final) actions.span(far ? f(t) : spanOf(start - half, start + half, T), final);
    };
    if (span && Math.abs(start - from) < grip) drag = drags((t) => spanOf(Math.min(t, to - 1), to, T));
    else if (span && Math.abs(start - to - 1) < grip) drag = drags((t) => spanOf(from, Math.max(t - 1, from + 1), T));
    else if (span && start > from && start < to + 1) drag = drags((t) => spanOf(from + t - start, to + t - start, T));
    else drag = drags((t) => spanOf(Math.min(start, t), Math.max(start, t) - 1, T));
    root.setPointerCapture(event.pointerId);
    event.preventDefault();
    view.focus({ preventScroll: true });
  });
  root.addEventListener("pointermove", (event) => drag?.(at(event), false));
  const drop = (/** @type {PointerEvent} */ event) => {
    drag?.(at(event), true);
    drag = null;
  };
  root.addEventListener("pointerup", drop);
  root.addEventListener("pointercancel", drop);
  root.addEventListener("dblclick", () => actions.span(null));
  view.addEventListener("keydown", (event) => {
    const scene = now();
    if (!scene || event.ctrlKey || event.metaKey) return;
    const T = scene.x.tokens.length;
    const ahead = scene.rtl ? -1 : 1;
    const shift = (/** @type {number} */ by) => () => actions.shift(by);
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowRight: shift(ahead * 0.2),
      ArrowLeft: shift(-ahead * 0.2),
      ArrowUp: shift(0.2),
      ArrowDown: shift(-0.2),
      PageUp: shift(1),
      PageDown: shift(-1),
      Home: shift(-T),
      End: shift(T),
      "+": () => actions.zoom(1),
      "=": () => actions.zoom(1),
      "-": () => actions.zoom(-1),
      0: () => actions.span(null),
    };
    if (!keys[event.key]) return;
    keys[event.key]();
    event.preventDefault();
    event.stopPropagation();
  });
}
