/** What is compared, by name. */
import { sentences } from "../../evidence/design.js";
import { el, replaceContent, view } from "../../kit/dom.js";

export const namesView = () => {
  const names = el("span");
  return view(
    el("div.question", el("span.why", names)),
    (/** @type {import("../../evidence/comparison.js").Compared} */ { sides }) =>
      replaceContent(names, sides.map(({ name }) => name).join(sentences.question.against)),
  );
};
