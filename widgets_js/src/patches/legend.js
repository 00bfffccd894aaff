/** What the marks mean, in words, and how exactly the numbers are known. */
import { fill, sentences } from "../evidence/design.js";
import { formatError, formatNumber } from "../evidence/format.js";
import { max } from "../evidence/maths.js";
import { createChangeTest, el, replaceContent, view } from "../kit/dom.js";

const TOLD = sentences.patches;

export const legendView = () => {
  const root = el("div.legend");
  const fresh = createChangeTest();
  const key = (/** @type {string} */ text, /** @type {string} */ mark = "") =>
    el("span.key", mark && el(`i.${mark}`), text);
  return view(root, (/** @type {import("./evidence/settings.js").Scene} */ { unitEvidence: p, x }) => {
    if (!fresh(p.name, x)) return;
    const { bits, within } = { bits: x.form.bits, within: x.form.within };
    const worst = max(...p.errors.filter(Number.isFinite), -1);
    replaceContent(
      root,
      ...sentences.legend.patches.map(([mark, text]) => key(fill(text, { name: p.name }), mark)),
      Number.isFinite(p.gain) &&
        key(
          fill(TOLD.score, {
            score: formatNumber(p.score),
            baseline: formatNumber(p.baseline),
            error: worst < 0 ? "" : fill(TOLD.error, { error: formatError(worst) }),
          }),
        ),
      bits === 8 && key(`matrices in 8 bits: within ${within ?? "0.5 % of the strongest patch"}`),
      x.recipe && key(x.recipe),
    );
  });
};
