/** The whole of a long text as one line of bars, and the window that is in sight. */
import { sizes } from "../../evidence/design.js";
import { abs, clamp, max, min, range, sortStrongestFirst } from "../../evidence/maths.js";
import { clampSpan, LONG } from "../../evidence/zoom.js";
import { fillRect, fitCanvas } from "../../kit/canvas.js";
import {
  colourProbe,
  createChangeTest,
  el,
  HIDDEN,
  setAttributes,
  toggleClass,
  view,
} from "../../kit/dom.js";
import { isCommand, listenToKeys, pointerPlace } from "../../kit/input.js";
import { createReader, cssColour, readPalette } from "../../kit/palette.js";
import { barClass } from "../../kit/shapes.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */

const { HEIGHT } = sizes.minimap;
/** How near to an edge of the window the pointer takes hold of it, in px. */
const GRIP = 7;

/** @param {import("../../state/actions.js").Actions} actions */
export const minimapView = (actions) => {
  const canvas = el("canvas", HIDDEN);
  const part = el("div.window", {
    role: "slider",
    tabindex: 0,
    label: "Part of the text in sight",
    "aria-valuemin": 1,
  });
  const colour = colourProbe();
  const coloursOf = createReader(() => readPalette(colour));
  const root = el("div.minimap", { hidden: true }, canvas, part, colour);
  const repaint = createChangeTest();
  const moved = createChangeTest();
  /** @type {import("../../kit/palette.js").Palette} */
  let colours;
  /** @type {Scene} */
  let scene;
  listen(root, part, actions, () => scene);

  /** @param {Scene} now @param {number} width */
  function paint({ unitEvidence: p, units, rtl, x }, width) {
    const context = fitCanvas(canvas, width, HEIGHT);
    if (!context) return;
    const T = x.tokens.length;
    const middle = HEIGHT / 2;
    fillRect(context, cssColour(colours.rule), 0, middle - 0.5, width, 1);
    // A unit's bar stands over all its tokens, the stronger of a pixel before the weaker.
    for (const u of sortStrongestFirst(range(units.count), p.net).reverse()) {
      const v = clamp(p.net[u] / p.largest, -1, 1);
      if (abs(v) < 0.02) continue;
      const tokens = units.members[u];
      const [from, to] = [tokens[0], /** @type {number} */ (tokens.at(-1)) + 1].map((t) => (t / T) * width);
      const w = max(1, to - from - (units.granularity === "word" ? 0 : 1));
      const height = v * (middle - 2);
      fillRect(
        context,
        cssColour(colours[barClass(v)]),
        rtl ? width - to : from,
        middle - max(0, height),
        w,
        abs(height),
      );
    }
  }

  /** @param {Scene} now @param {number} _ @param {number} theme */
  const measure = (now, _, theme) => {
    if (now.x.tokens.length >= LONG) colours = coloursOf(now, theme);
  };
  /** @param {Scene} now @param {number} width @param {number} theme */
  const draw = (now, width, theme) => {
    scene = now;
    const { x, state, rtl } = now;
    const { span } = state;
    const T = x.tokens.length;
    root.hidden = T < LONG;
    if (root.hidden) return;
    if (repaint(now.unitEvidence, now.units, width, theme)) paint(now, width);
    if (!moved(span, T, rtl)) return;
    const [from, to] = span ?? [0, T - 1];
    /** @param {number} t */
    const share = (t) => `${(100 * t) / T}%`;
    part.style.insetInlineStart = share(from);
    part.style.width = share(to - from + 1);
    setAttributes(root, { dir: rtl ? "rtl" : "ltr" });
    toggleClass(part, "whole", !span);
    setAttributes(part, {
      "aria-valuenow": from + 1,
      "aria-valuemax": T,
      "aria-valuetext": span ? `tokens ${from + 1} to ${to + 1} of ${T}` : `all ${T} tokens`,
    });
  };
  return view(root, draw, measure);
};

/**
 * @param {HTMLElement} root @param {HTMLElement} part
 * @param {import("../../state/actions.js").Actions} actions @param {() => Scene} now
 */
const listen = (root, part, actions, now) => {
  /** @type {((token: number, final: boolean) => void) | null} */
  let drag = null;
  /** @param {PointerEvent} event */
  const at = (event) => {
    const share = clamp(pointerPlace(root, event)[0] / root.clientWidth, 0, 1);
    const { rtl, x } = now();
    return (rtl ? 1 - share : share) * x.tokens.length;
  };
  /** @param {PointerEvent} event */
  const drop = (event) => {
    drag?.(at(event), true);
    drag = null;
  };
  setAttributes(root, {
    pointerdown(event) {
      if (event.button) return;
      const { x, state } = now();
      const { span } = state;
      const T = x.tokens.length;
      const start = at(event);
      const grip = (GRIP / root.clientWidth) * T;
      const half = span ? (span[1] - span[0]) / 2 : T / 12;
      const [from, to] = span ?? [start, start];
      /** The span that the window is dragged to. @type {(t: number) => [number, number]} */
      let drags = (t) => [min(start, t), max(start, t) - 1];
      if (span && abs(start - from) < grip) drags = (t) => [min(t, to - 1), to];
      else if (span && abs(start - to - 1) < grip) drags = (t) => [from, max(t - 1, from + 1)];
      else if (span && start > from && start < to + 1) drags = (t) => [from + t - start, to + t - start];
      let far = false;
      drag = (t, final) => {
        far ||= abs(t - start) > grip / 2;
        const [a, b] = far ? drags(t) : [start - half, start + half];
        if (far || final) actions.span(clampSpan(a, b, T), final);
      };
      root.setPointerCapture(event.pointerId);
      event.preventDefault();
      part.focus({ preventScroll: true });
    },
    pointermove: (event) => drag?.(at(event), false),
    pointerup: drop,
    pointercancel: drop,
    dblclick: () => actions.span(null),
  });
  listenToKeys(part, (event) => {
    if (isCommand(event)) return {};
    const { rtl, x } = now();
    const T = x.tokens.length;
    const ahead = rtl ? -0.2 : 0.2;
    /** @param {number} by */
    const shift = (by) => () => actions.shift(by);
    return {
      ArrowRight: shift(ahead),
      ArrowLeft: shift(-ahead),
      ArrowUp: shift(0.2),
      ArrowDown: shift(-0.2),
      PageUp: shift(1),
      PageDown: shift(-1),
      Home: shift(-T),
      End: shift(T),
      ...actions.zoomKeys,
    };
  });
};
