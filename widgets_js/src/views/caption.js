/** The spoken sentence; its words can be clicked. */
import { differ, el } from "./dom.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */

/**
 * @param {import("../actions.js").Actions} actions
 * @param {(scene: Scene) => import("../lib/story.js").Part[]} story
 */
export function captionView(actions, story) {
  const root = el("p", { class: "caption", "aria-live": "polite" });
  const fresh = differ();

  /** @param {Scene} scene @param {import("../lib/story.js").Part} part */
  function node(scene, part) {
    if (typeof part === "string") return part;
    if ("strong" in part) return el("b", {}, part.strong);
    const { picture: p, layer } = scene;
    const value = layer === null ? p.net[part.unit] : p.cells[layer][part.unit];
    const word = el(
      "button",
      { type: "button", class: `word ${value < 0 ? "opposes" : "supports"}`, "data-unit": part.unit, dir: "auto" },
      part.text,
    );
    word.addEventListener("click", (event) => actions.pick(part.unit, event.shiftKey));
    word.addEventListener("pointerenter", () => actions.hover(part.unit));
    word.addEventListener("pointerleave", () => actions.hover(null));
    return word;
  }

  return Object.assign(root, {
    /** @param {Scene} scene */
    draw(scene) {
      const parts = story(scene);
      // The same sentence is not said twice, nor are its buttons replaced under the pointer.
      if (!fresh(JSON.stringify(parts), scene.units)) return;
      root.replaceChildren(...parts.map((part) => node(scene, part)));
    },
  });
}
