/** From the strongest opposition to the strongest support, as the patches are toned. */
import { digits, MINUS, number } from "../evidence/format.js";
import { fill } from "../kit/canvas.js";
import { differ, el, HIDDEN, penOf, put, view } from "../kit/dom.js";

export const scaleView = () => {
  const low = el("span.opposes");
  const high = el("span.supports");
  const bar = el("canvas", { width: 192, height: 18, ...HIDDEN });
  const fresh = differ();
  return view(
    el("div.scale", low, bar, high),
    (
      /** @type {import("./evidence/settings.js").Scene} */ { picture: p },
      /** @type {number} */ limit,
      /** @type {import("../kit/palette.js").Inks} */ ink,
    ) => {
      if (!fresh(limit, ink, p.name)) return;
      const pen = penOf(bar);
      if (pen) {
        const { width, height } = bar;
        pen.clearRect(0, 0, width, height);
        for (let i = 0; i < width; i++) fill(pen, ink.tone((2 * (i + 0.5)) / width - 1), i, 0, 1, height);
        fill(pen, ink.hatches.cell, 0, 0, width / 2, height);
      }
      const most = number(limit, digits(limit));
      put(low, `opposes ${MINUS}${most}`);
      put(high, `${most} supports`);
    },
  );
};
