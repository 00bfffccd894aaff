/** What the marks mean, in words, and how exactly the numbers are known. */
import { formatError, formatNumber } from "../evidence/format.js";
import { max } from "../evidence/maths.js";
import { createChangeTest, el, replaceContent, view } from "../kit/dom.js";

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
      key(`supports ${p.name}`, "sup"),
      key(`opposes ${p.name}, hatched`, "opp"),
      key("no colour: no evidence; the picture pales under its map"),
      key("one scale for all layers, one for their sum"),
      Number.isFinite(p.gain) &&
        key(
          `score ${formatNumber(p.score)}, ${formatNumber(p.baseline)} for the ` +
            `baseline${worst < 0 ? "" : `; every layer adds up within ${formatError(worst)}`}`,
        ),
      bits === 8 && key(`matrices in 8 bits: within ${within ?? "0.5 % of the strongest patch"}`),
      x.recipe && key(x.recipe),
    );
  });
};
