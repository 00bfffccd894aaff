/** From the strongest opposition to the strongest support, as the patches are toned. */
import { fill, sentences } from "../evidence/design.js";
import { countDigits, formatNumber } from "../evidence/format.js";
import { fillRect } from "../kit/canvas.js";
import { contextOf, createChangeTest, el, HIDDEN, replaceContent, view } from "../kit/dom.js";

export const scaleView = () => {
  const low = el("span.opposes");
  const high = el("span.supports");
  const bar = el("canvas", { width: 192, height: 18, ...HIDDEN });
  const fresh = createChangeTest();
  return view(
    el("div.scale", low, bar, high),
    (
      /** @type {import("./evidence/settings.js").Scene} */ { unitEvidence: p },
      /** @type {number} */ limit,
      /** @type {import("../kit/palette.js").Inks} */ ink,
    ) => {
      if (!fresh(limit, ink, p.name)) return;
      const pen = contextOf(bar);
      if (pen) {
        const { width, height } = bar;
        pen.clearRect(0, 0, width, height);
        for (let i = 0; i < width; i++) fillRect(pen, ink.tone((2 * (i + 0.5)) / width - 1), i, 0, 1, height);
        fillRect(pen, ink.hatches.cell, 0, 0, width / 2, height);
      }
      const most = formatNumber(limit, countDigits(limit));
      replaceContent(low, fill(sentences.patches.low, { most }));
      replaceContent(high, fill(sentences.patches.high, { most }));
    },
  );
};
