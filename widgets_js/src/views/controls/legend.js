/** What the marks mean, in words. */
import { fill, sentences } from "../../evidence/design.js";
import { createChangeTest, el, replaceContent, view } from "../../kit/dom.js";

/** @param {"flow" | "text" | "matrix"} kind what is on the sheet */
export const legendView = (kind) => {
  const root = el("div.legend");
  const fresh = createChangeTest();
  const key = (/** @type {string} */ text, /** @type {string} */ mark = "") =>
    el("span.key", mark && el(`i.${mark}`), text);
  return view(root, (/** @type {import("../../evidence/scene.js").Scene} */ { unitEvidence: p, x }) => {
    if (!fresh(p.name, x)) return;
    const keys = sentences.legend[kind].map(([mark, text]) => key(fill(text, { name: p.name }), mark));
    if (kind !== "text" && x.form.bits === 8)
      keys.push(key(`matrices in 8 bits: within ${x.form.within ?? "0.5 % of the strongest word"}`));
    if (x.recipe) keys.push(key(x.recipe));
    replaceContent(root, ...keys);
  });
};
