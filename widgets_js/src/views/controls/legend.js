/** What the marks mean, in words. */
import { createChangeTest, el, replaceContent, view } from "../../kit/dom.js";

/** @param {"flow" | "text" | "matrix"} kind what is on the sheet */
export const legendView = (kind) => {
  const root = el("div.legend");
  const fresh = createChangeTest();
  const key = (/** @type {string} */ text, /** @type {string} */ mark = "") =>
    el("span.key", mark && el(`i.${mark}`), text);
  return view(root, (/** @type {import("../../evidence/scene.js").Scene} */ { unitEvidence: p, x }) => {
    if (!fresh(p.name, x)) return;
    const [supports, opposes] = [`supports ${p.name}`, `opposes ${p.name}`];
    const keys =
      kind === "flow"
        ? [
            key(supports, "sup"),
            key(`${opposes}, hatched`, "opp"),
            key("a word changes sign between two layers", "flip"),
            key("height of a strip: the weight of its layer"),
            key("thin strips: support above the line, opposition below"),
            key("ribbon width: evidence carried; the largest are drawn, up to 80 % of it"),
          ]
        : kind === "matrix"
          ? [key(supports, "sup"), key(`${opposes}; cells from 6 px on are hatched`, "opp")]
          : [key(`rises: ${supports}`, "sup"), key(`hangs, hatched: ${opposes}`, "opp")];
    if (kind !== "text" && x.form.bits === 8)
      keys.push(key(`matrices in 8 bits: within ${x.form.within ?? "0.5 % of the strongest word"}`));
    if (x.recipe) keys.push(key(x.recipe));
    replaceContent(root, ...keys);
  });
};
