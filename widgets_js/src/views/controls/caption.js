/** The spoken sentence; its words can be clicked. */
import { createChangeTest, el, replaceContent, view } from "../../kit/dom.js";
import { listenToUnits } from "../../kit/input.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */

/**
 * @param {import("../../state/actions.js").Actions} actions
 * @param {(scene: Scene) => import("../../wording/story.js").Part[]} story
 */
export const captionView = (actions, story) => {
  const root = el("p.caption", { "aria-live": "polite" });
  const fresh = createChangeTest();

  /** @param {Scene} scene @param {import("../../wording/story.js").Part} part */
  const node = ({ evidence }, part) => {
    if (typeof part === "string") return part;
    if (part.strong !== undefined) return el("b", part.strong);
    const { unit, text } = part;
    return listenToUnits(
      el(
        `button.word.${evidence[unit] < 0 ? "opposes" : "supports"}`,
        { "data-unit": unit, dir: "auto" },
        text,
      ),
      actions,
    );
  };

  return view(root, (/** @type {Scene} */ scene) => {
    const parts = story(scene);
    // The same sentence is not said twice, nor are its buttons replaced under the pointer.
    if (fresh(JSON.stringify(parts), scene.units))
      replaceContent(root, ...parts.map((part) => node(scene, part)));
  });
};
