/** What is compared, by name. */
import { sentences } from "../../evidence/design.js";
import { el, replaceContent, setAttributes, view } from "../../kit/dom.js";

/** @param {string[]} names */
const joined = (names) => names.join(sentences.question.against);

export const namesView = () => {
  const names = el("span");
  return view(
    el("div.question", el("span.why", names)),
    (/** @type {import("../../evidence/comparison.js").Compared} */ { sides }) => {
      const cut = sides.some(({ whole }) => whole);
      setAttributes(names, { title: cut && joined(sides.map(({ name, whole }) => whole || name)) });
      replaceContent(names, joined(sides.map(({ name }) => name)));
    },
  );
};
