/** What is compared, by name. */
import { isolateDirection } from "../../evidence/format.js";
import { el, replaceContent, view } from "../../kit/dom.js";

export const namesView = () => {
  const names = el("span");
  return view(
    el("div.question", el("span.why", names)),
    (/** @type {import("../../evidence/comparison.js").Compared} */ { sides }) =>
      replaceContent(names, sides.map(({ name }) => isolateDirection(name)).join(" against ")),
  );
};
