/**
 * Colours for the canvas.  They are decided in theme.css alone; a probe element resolves them, because
 * custom properties come back unresolved.
 */

/** @typedef {[number, number, number]} Rgb */
/** @typedef {"sup" | "opp" | "sup-deep" | "opp-deep" | "ink" | "ink3" | "rule" | "surface"} Name */
/** @typedef {Record<Name, Rgb>} Palette */

const NAMES = /** @type {Name[]} */ (["sup", "opp", "sup-deep", "opp-deep", "ink", "ink3", "rule", "surface"]);

/** From this tone on the data colour deepens instead of getting denser. */
const DENSE = 0.72;
/** Compressive, so that the many weak values can be told from none. */
const EXPONENT = 0.72;

/** @param {HTMLElement} probe an element inside the widget's root @returns {Palette} */
export function palette(probe) {
  const entries = NAMES.map((name) => {
    probe.style.color = `var(--calig-${name})`;
    const [r, g, b] = (getComputedStyle(probe).color.match(/[\d.]+/g) ?? ["0", "0", "0"]).map(Number);
    return [name, [r, g, b]];
  });
  return Object.fromEntries(entries);
}

/** @param {Rgb} colour @param {number} [alpha] */
export const rgba = ([r, g, b], alpha = 1) => `rgba(${r},${g},${b},${alpha})`;

/** @param {Palette} colours @param {number} t */
function toneOf(colours, t) {
  const base = colours[t < 0 ? "opp" : "sup"];
  const deep = colours[t < 0 ? "opp-deep" : "sup-deep"];
  const a = Math.min(1, Math.abs(t)) ** EXPONENT;
  if (a < DENSE) return rgba(base, a / DENSE);
  const k = (a - DENSE) / (1 - DENSE);
  return rgba(/** @type {Rgb} */ (base.map((v, i) => Math.round(v + (deep[i] - v) * k))));
}

/**
 * All that the canvas paints with.  Reading it from the page costs a style pass: not at every step of a drag.
 * @param {HTMLElement} probe @param {CanvasRenderingContext2D} context @param {number} ratio device pixels per px
 */
export function inks(probe, context, ratio) {
  const colours = palette(probe);
  const tone = tones(colours);
  return {
    colours,
    tone,
    bytes: pixelsOf(tone),
    /** Rows of pixels on their way to the canvas. */
    row: new OffscreenCanvas(1, 2),
    hatches: {
      ribbon: hatching(context, rgba(colours["opp-deep"], 0.42), 1.1, ratio),
      cell: hatching(context, rgba(colours.surface, 0.5), 1.3, ratio),
    },
  };
}

/** @typedef {ReturnType<typeof inks>} Inks */

/** Steps on either side of zero; finer ones cannot be seen. */
const STEPS = 100;

/**
 * Colour of a signed value in −1 … 1; zero is the page itself.  Thousands of cells are painted at a
 * time, so the colours are made beforehand.
 * @param {Palette} colours
 */
export function tones(colours) {
  const known = Array.from({ length: 2 * STEPS + 1 }, (_, i) => toneOf(colours, i / STEPS - 1));
  return (/** @type {number} */ t) => known[Math.round((Math.max(-1, Math.min(1, t)) + 1) * STEPS)];
}

/** The same colours as pixels. @param {(t: number) => string} tone */
function pixelsOf(tone) {
  const known = new Uint32Array(2 * STEPS + 1);
  const bytes = new Uint8ClampedArray(known.buffer);
  known.forEach((_, i) => {
    const [r, g, b, a] = /** @type {RegExpMatchArray} */ (tone(i / STEPS - 1).match(/[\d.]+/g)).map(Number);
    bytes.set([r, g, b, a * 255], 4 * i);
  });
  return (/** @type {number} */ t, /** @type {number} */ alpha) => {
    const rgba = known[Math.round((Math.max(-1, Math.min(1, t)) + 1) * STEPS)];
    return alpha === 1 ? rgba : ((rgba & 0xffffff) | (((rgba >>> 24) * alpha) << 24)) >>> 0;
  };
}

/**
 * Diagonal hatching: what opposes is never told by hue alone.
 * @param {CanvasRenderingContext2D} context @param {string} colour @param {number} line width
 * @param {number} ratio device pixels per px
 */
export function hatching(context, colour, line, ratio) {
  const size = Math.round(5 * ratio);
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = tile.getContext("2d");
  if (!pen) return colour;
  pen.strokeStyle = colour;
  pen.lineWidth = line * ratio;
  pen.beginPath();
  for (const x of [-size, 0, size]) {
    pen.moveTo(x, size);
    pen.lineTo(x + size, 0);
  }
  pen.stroke();
  const pattern = context.createPattern(tile, "repeat");
  pattern?.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern ?? colour;
}

/**
 * The same tones as bytes, for pictures with a pixel for each cell.
 * @param {(t: number) => string} tone @returns {(t: number) => ArrayLike<number>} red, green, blue, opacity
 */
export function toneBytes(tone) {
  const strip = document.createElement("canvas");
  strip.width = 2 * STEPS + 1;
  strip.height = 1;
  const pen = strip.getContext("2d");
  for (let i = 0; pen && i <= 2 * STEPS; i++) {
    pen.fillStyle = tone(i / STEPS - 1);
    pen.fillRect(i, 0, 1, 1);
  }
  const data = pen?.getImageData(0, 0, strip.width, 1).data ?? new Uint8ClampedArray(4 * strip.width);
  return (t) => {
    const at = 4 * Math.round((Math.max(-1, Math.min(1, t)) + 1) * STEPS);
    return data.subarray(at, at + 4);
  };
}
