/** The explained picture: decoded once, and as it lies under its map. */
import { sizes } from "../evidence/design.js";
import { readBytes } from "../evidence/wire.js";

/** @typedef {{width: number, height: number, source: OffscreenCanvas, pixels: Uint8ClampedArray}} Photo */
/** @typedef {[number, number, number]} Rgb */

/** How far the picture fades to the page below a full map. */
const { FADE } = sizes.patches;
/** Luma of ITU-R BT.601, in thousandths. */
const { LUMA } = sizes.patches;

/**
 * The picture's pixels where the map is so dense: greyer and paler, so that all colour is the map's.
 * @param {Uint8ClampedArray} pixels RGBA
 * @param {number} density of the map, 0 … 1
 * @param {ArrayLike<number>} page its colour
 */
export const fadePixels = (pixels, density, page) => {
  const faded = new Uint8ClampedArray(pixels.length);
  for (let q = 0; q < pixels.length; q += 4) {
    const grey = LUMA[0] * pixels[q] + LUMA[1] * pixels[q + 1] + LUMA[2] * pixels[q + 2];
    for (let c = 0; c < 3; c++) {
      const v = pixels[q + c] + (grey - pixels[q + c]) * density;
      faded[q + c] = v + (page[c] - v) * FADE * density;
    }
    faded[q + 3] = 255;
  }
  return faded;
};

/** @param {number} width @param {number} height @param {Uint8ClampedArray} [pixels] */
const sheetOf = (width, height, pixels) => {
  const canvas = new OffscreenCanvas(width, height);
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  if (pixels) pen.putImageData(new ImageData(/** @type {any} */ (pixels), width, height), 0, 0);
  return { canvas, pen };
};

/** @param {ArrayBuffer} bytes PNG or JPEG @returns {Promise<Photo>} */
const decoded = async (bytes) => {
  const type = new Uint8Array(bytes)[0] === 0x89 ? "image/png" : "image/jpeg";
  const bitmap = await createImageBitmap(new Blob([bytes], { type }));
  const { width, height } = bitmap;
  const { canvas, pen } = sheetOf(width, height);
  pen.drawImage(bitmap, 0, 0);
  return { width, height, source: canvas, pixels: pen.getImageData(0, 0, width, height).data };
};

/**
 * The picture on the wire; null until it is decoded.
 * @param {(name: string) => any} get reads one trait @param {() => void} ready
 */
export const createPhoto = (get, ready) => {
  /** @type {unknown} */
  let known;
  /** @type {Photo | null} */
  let photo = null;
  return () => {
    const bytes = get("_picture");
    if (bytes && bytes !== known) {
      known = bytes;
      decoded(readBytes(bytes)).then(
        (found) => {
          if (known !== bytes) return;
          photo = found;
          ready();
        },
        // What cannot be decoded is not shown; the map stands by itself.
        () => {},
      );
    }
    return photo;
  };
};

/** @param {Photo} photo @param {number} density @param {ArrayLike<number>} page */
export const fadePhoto = ({ width, height, pixels }, density, page) =>
  sheetOf(width, height, fadePixels(pixels, density, page)).canvas;
