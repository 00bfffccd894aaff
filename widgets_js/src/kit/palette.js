/**
 * Colours for the canvas.  theme.css gives them their parts; a probe element resolves them, because
 * custom properties come back unresolved.
 */
import { sizes } from "../evidence/design.js";
import { abs, clamp, min, round } from "../evidence/maths.js";
import { pixelRatio } from "./canvas.js";
import { contextOf, createChangeTest, el, replaceContent } from "./dom.js";

/** @typedef {[number, number, number]} Rgb */
/** @typedef {"sup" | "opp" | "sup-deep" | "opp-deep" | "ink" | "ink3" | "rule" | "surface"} Name */
/** @typedef {Record<Name, Rgb>} Palette */

const NAMES = /** @type {Name[]} */ ([
  "sup",
  "opp",
  "sup-deep",
  "opp-deep",
  "ink",
  "ink3",
  "rule",
  "surface",
]);

/** From this tone on the data colour deepens instead of getting denser. */
export const { DENSE } = sizes.tones;
/** Compressive, so that the many weak values can be told from none. */
export const { EXPONENT } = sizes.tones;

/** The numbers in a colour as it is written. @param {string} colour */
const parts = (colour) => (colour.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);

/** @param {HTMLElement} probe an element inside the widget's root @returns {Palette} */
export const readPalette = (probe) => {
  // One node each: changing the colour of one between two readings would cost a style pass every time.
  replaceContent(probe, ...NAMES.map((name) => el("i", { style: `color:var(--calig-${name})` })));
  const entries = NAMES.map((name, i) => [
    name,
    parts(getComputedStyle(probe.children[i]).color).slice(0, 3),
  ]);
  return Object.fromEntries(entries);
};

/**
 * Colours are read when they may have changed, not at every step of a drag: reading costs a style pass.
 * @template C
 * @param {() => C} read
 */
export const createReader = (read) => {
  const changed = createChangeTest();
  /** @type {C} */
  let known;
  return (
    /** @type {import("../evidence/scene.js").Scene} */ { state, unitEvidence },
    /** @type {number} */ theme,
  ) => {
    if (!known || (!state.dragging && !state.playing && changed(theme, unitEvidence))) known = read();
    return known;
  };
};

/** @param {number[]} colour @param {number} [alpha] */
export const cssColour = (colour, alpha = 1) => `rgba(${colour},${alpha})`;

/** @param {Palette} colours @param {number} t */
const toneOf = (colours, t) => {
  const side = t < 0 ? "opp" : "sup";
  const base = colours[side];
  const deep = colours[`${side}-deep`];
  const a = min(1, abs(t)) ** EXPONENT;
  if (a < DENSE) return cssColour(base, a / DENSE);
  const k = (a - DENSE) / (1 - DENSE);
  return cssColour(base.map((v, i) => round(v + (deep[i] - v) * k)));
};

/**
 * All that the canvas paints with.
 * @param {HTMLElement} probe @param {CanvasRenderingContext2D} context
 */
export const createInks = (probe, context) => {
  const colours = readPalette(probe);
  const tone = createTones(colours);
  return {
    colours,
    tone,
    bytes: createToneBytes(tone),
    /** Rows of pixels on their way to the canvas. */
    row: new OffscreenCanvas(1, 2),
    hatches: {
      ribbon: createHatching(context, cssColour(colours["opp-deep"], 0.42), 1.1),
      cell: createHatching(context, cssColour(colours.surface, 0.5)),
    },
  };
};

/** @typedef {ReturnType<typeof createInks>} Inks */

/** Steps on either side of zero; finer ones cannot be seen. */
const { STEPS } = sizes.tones;
/** @param {number} t */
const step = (t) => round((clamp(t, -1, 1) + 1) * STEPS);

/**
 * Colour of a signed value in −1 … 1; zero is the page itself.  Thousands of cells are painted at a
 * time, so each colour is made once.
 * @param {Palette} colours
 */
export const createTones = (colours) => {
  /** @type {string[]} */
  const known = [];
  return (/** @type {number} */ t) => (known[step(t)] ??= toneOf(colours, step(t) / STEPS - 1));
};

/** The same colours as pixels, for pictures with one for each cell. @param {(t: number) => string} tone */
export const createToneBytes = (tone) => {
  const known = new Uint32Array(2 * STEPS + 1);
  const bytes = new Uint8ClampedArray(known.buffer);
  return (/** @type {number} */ t, alpha = 1) => {
    const i = step(t);
    if (!known[i]) {
      const [r, g, b, a] = parts(tone(t));
      bytes.set([r, g, b, a * 255], 4 * i);
    }
    const rgba = known[i];
    return alpha === 1 ? rgba : ((rgba & 0xffffff) | (((rgba >>> 24) * alpha) << 24)) >>> 0;
  };
};

/**
 * Diagonal hatching: what opposes is never told by hue alone.
 * @param {CanvasRenderingContext2D} context @param {string} colour @param {number} [line] width
 */
export const createHatching = (context, colour, line = 1.3) => {
  const ratio = pixelRatio();
  const size = round(5 * ratio);
  const tile = el("canvas", { width: size, height: size });
  const pen = contextOf(tile);
  if (!pen) return colour;
  pen.strokeStyle = colour;
  pen.lineWidth = line * ratio;
  for (const x of [-size, 0, size]) {
    pen.moveTo(x, size);
    pen.lineTo(x + size, 0);
  }
  pen.stroke();
  const pattern = context.createPattern(tile, "repeat");
  pattern?.setTransform(new DOMMatrix([1 / ratio, 0, 0, 1 / ratio, 0, 0]));
  return pattern ?? colour;
};
