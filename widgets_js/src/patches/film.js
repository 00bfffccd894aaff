/** The picture itself, and all layers as small pictures, of which one is chosen. */
import { layerName } from "../evidence/format.js";
import { round } from "../evidence/maths.js";
import { fitted } from "../kit/canvas.js";
import { check, radio, radioGroup } from "../kit/choice.js";
import { differ, el, HIDDEN, put, set, view } from "../kit/dom.js";
import { paintMap } from "./paint.js";

/** Longer side of a frame, px. */
const SIDE = 64;

/** @param {import("./actions.js").PatchActions} actions */
export const filmView = (actions) => {
  const root = radioGroup("div.thumbs.frames", "Layer of the map");
  const own = el("canvas");
  const itself = el("div.itself", HIDDEN, own, el("span", "picture"));
  const rebuilt = differ();
  const repaint = differ();
  const shown = differ();
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
          put(button, canvases[i], el("span", !i ? "all" : i > 1 ? `${i - 1}` : "emb."));
          return button;
        });
        put(root, itself, ...buttons);
      }
      if (shown(photo, width, height)) {
        set(own, { style: `width:${width}px;height:${height}px` });
        const context = fitted(own, width, height);
        if (photo && context) context.drawImage(photo.source, 0, 0, width, height);
      }
      if (repaint(look, frames, limits))
        canvases.forEach((canvas, i) => {
          const context = fitted(canvas, width, height);
          if (context) paintMap(context, look, width, height, frames[i], limits[i]);
        });
      const at = layer === null ? 0 : layer + 1;
      buttons.forEach((button, i) => {
        if (i === at && button.ariaChecked !== "true")
          root.scrollLeft = button.offsetLeft - root.clientWidth / 2 + button.offsetWidth / 2;
        check(button, i === at);
      });
    },
  );
};
