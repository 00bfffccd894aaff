/** Which layers are not exact, said where the eye is; nothing where all are. */
import { createChangeTest, el, replaceContent, view } from "../../kit/dom.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */
/** @typedef {import("../../evidence/comparison.js").Compared} Compared */

export const inexactView = () => {
  const root = el("div.inexact", { role: "note", hidden: true });
  const fresh = createChangeTest();
  return view(root, (/** @type {Scene | Compared} */ scene) => {
    const said =
      "sides" in scene
        ? scene.sides.flatMap(({ name, scene: { x } }) => (x.inexact ? [`${name}: ${x.inexact}`] : []))
        : [scene.x.inexact].filter(Boolean);
    if (!fresh(said.join("\n"))) return;
    root.hidden = !said.length;
    replaceContent(root, ...said.map((text) => el("p", { dir: "auto" }, text)));
  });
};
