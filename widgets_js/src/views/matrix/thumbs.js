/** A row of small matrices of which one is chosen: the layers of the film, the heads of a layer. */
import { sizes } from "../../evidence/design.js";
import { pixelRatio } from "../../kit/canvas.js";
import { radio, radioGroup, setChecked } from "../../kit/choice.js";
import { colourProbe, createChangeTest, el, HIDDEN, replaceContent, view } from "../../kit/dom.js";
import { readPalette } from "../../kit/palette.js";
import { paintThumb } from "./paint.js";

/** Side of a thumbnail, px. */
const { SIDE } = sizes.matrix;

/**
 * @typedef {object} Choice
 * @property {string[]} names
 * @property {string[]} labels
 * @property {number | null} at
 * @property {number} limit
 * @property {boolean} rtl
 * @property {number} theme
 * @property {number} [width] of what it stands in
 */

/**
 * @param {string} name of the group
 * @param {string} kind its class
 * @param {(index: number) => void} choose
 */
export const thumbsView = (name, kind, choose) => {
  const root = radioGroup(`div.thumbs.${kind}`, name);
  const colour = colourProbe();
  const rebuilt = createChangeTest();
  const repaint = createChangeTest();
  const moved = createChangeTest();
  /** @type {HTMLElement[]} */
  let buttons = [];
  /** @type {HTMLCanvasElement[]} */
  let canvases = [];

  return view(
    root,
    (
      /** @type {{values: Float32Array, n: number}[]} */ pictures,
      /** @type {Choice} */ { names, labels, at, limit, rtl, theme, width },
    ) => {
      if (rebuilt(names.join(), labels.join())) {
        canvases = labels.map(() => el("canvas", HIDDEN));
        buttons = labels.map((label, i) => {
          const button = radio("", () => choose(i), { label: names[i] });
          replaceContent(button, canvases[i], el("span", label));
          return button;
        });
        replaceContent(root, colour, ...buttons);
      }
      if (repaint(pictures, limit, rtl, theme)) {
        const colours = readPalette(colour);
        canvases.forEach((canvas, i) => {
          canvas.width = canvas.height = SIDE * pixelRatio();
          if (pictures[i]) paintThumb(canvas, pictures[i], limit, colours, rtl);
        });
      }
      const jumps = moved(width, buttons);
      buttons.forEach((button, i) => {
        const on = i === at;
        // The film follows the layer while it plays; only its own strip scrolls.
        if (on && (jumps || button.ariaChecked !== "true")) {
          root.scrollLeft = button.offsetLeft - root.clientWidth / 2 + button.offsetWidth / 2;
          root.scrollTop = button.offsetTop - root.clientHeight / 2 + button.offsetHeight / 2;
        }
        setChecked(button, on, on || (at === null && !i));
      });
    },
  );
};
