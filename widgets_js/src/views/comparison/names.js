/** What is compared, by name. */
import { isolated } from "../../evidence/format.js";
import { el, put, view } from "../../kit/dom.js";

export const againstView = () => {
  const names = el("span");
  return view(
    el("div.question", el("span.why", names)),
    (/** @type {import("../../evidence/comparison.js").Compared} */ { sides }) =>
      put(names, sides.map(({ name }) => isolated(name)).join(" against ")),
  );
};
