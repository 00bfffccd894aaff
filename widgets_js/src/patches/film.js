/** The picture itself, and all layers as small pictures, of which one is chosen. */
import { sentences, sizes } from "../evidence/design.js";
import { layerName } from "../evidence/format.js";
import { round } from "../evidence/maths.js";
import { fitCanvas } from "../kit/canvas.js";
import { radio, radioGroup, setChecked } from "../kit/choice.js";
import { createChangeTest, el, HIDDEN, replaceContent, setAttributes, view } from "../kit/dom.js";
import { paintMap } from "./paint.js";

/** Longer side of a frame, px. */
const { FRAME: SIDE } = sizes.patches;

/** @param {import("./actions.js").PatchActions} actions */
export const filmView = (actions) => {
  const root = radioGroup("div.thumbs.frames", "Layer of the map");
  const own = el("canvas");
  const itself = el("div.itself", HIDDEN, own, el("span", sentences.patches.picture));
  const rebuilt = createChangeTest();
  const repaint = createChangeTest();
  const shown = createChangeTest();
  /** @type {HTMLElement[]} */
  let buttons = [];
  /** @type {HTMLCanvasElement[]} */
  let canvases = [];

  return view(
    root,
    (
      /** @type {import("./evidence/settings.js").Scene} */ { x, layer },
      /** @type {import("./paint.js").Look} */ look,
      /** @type {import("./evidence/map.js").Maps} */ { frames, limits },
      /** @type {import("./photo.js").Photo | null} */ photo,
    ) => {
      const { ratio } = look.grid;
      const [width, height] = [round(SIDE * Math.min(1, ratio)), round(SIDE * Math.min(1, 1 / ratio))];
      if (rebuilt(frames.length, width, height)) {
        canvases = frames.map(() =>
          el("canvas", { style: `width:${width}px;height:${height}px`, ...HIDDEN }),
        );
        buttons = frames.map((_, i) => {
          const button = radio("", () => actions.layer(i ? i - 1 : null), {
            label: i ? layerName(x, i - 1) : "All layers",
          });
          replaceContent(
            button,
            canvases[i],
            el("span", !i ? "all" : i > 1 ? `${i - 1}` : sentences.layers.short),
          );
          return button;
        });
        replaceContent(root, itself, ...buttons);
      }
      if (shown(photo, width, height)) {
        setAttributes(own, { style: `width:${width}px;height:${height}px` });
        const context = fitCanvas(own, width, height);
        if (photo && context) context.drawImage(photo.source, 0, 0, width, height);
      }
      if (repaint(look, frames, limits))
        canvases.forEach((canvas, i) => {
          const context = fitCanvas(canvas, width, height);
          if (context) paintMap(context, look, width, height, frames[i], limits[i]);
        });
      const at = layer === null ? 0 : layer + 1;
      buttons.forEach((button, i) => {
        if (i === at && button.ariaChecked !== "true")
          root.scrollLeft = button.offsetLeft - root.clientWidth / 2 + button.offsetWidth / 2;
        setChecked(button, i === at);
      });
    },
  );
};
