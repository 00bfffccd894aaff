/** The one place of the keyboard on a picture: it stands on the patch that it has come to. */
import { floor } from "../evidence/maths.js";
import { el, setAttributes, view } from "../kit/dom.js";
import { isCommand, listenToKeys } from "../kit/input.js";

/** @typedef {import("./evidence/map.js").Grid} Grid */

/** @param {import("./actions.js").PatchActions} actions @param {boolean} [still] nothing can be played */
export const cursorView = (actions, still) => {
  const help =
    `Arrows move over the patches, Enter selects,${still ? "" : " Space plays;"} a ` +
    `question mark lists the keys.`;
  const root = el("div.w.cursor", { tabindex: 0, role: "group", "aria-roledescription": "patch" });
  /** @type {Grid} */
  let grid;
  /** @param {number} down @param {number} along */
  const step = (down, along) => () => actions.step(grid, down, along);
  setAttributes(root, {
    focus: () => root.matches(":focus-visible") && step(0, 0)(),
    blur: () => actions.hover(null),
  });
  listenToKeys(root, (event) => {
    /** @type {Record<string, () => unknown>} */
    const keys = {
      ArrowRight: step(0, 1),
      ArrowLeft: step(0, -1),
      ArrowUp: step(-1, 0),
      ArrowDown: step(1, 0),
      Home: step(0, -Infinity),
      End: step(0, Infinity),
      PageUp: () => actions.climb(1),
      PageDown: () => actions.climb(-1),
      Enter: () => actions.enter(event.shiftKey),
      ...(!still && { " ": actions.play }),
    };
    return isCommand(event) ? {} : keys;
  });
  return view(
    root,
    (
      /** @type {import("./evidence/settings.js").Scene} */ scene,
      /** @type {Grid} */ now,
      /** @type {(unit: number) => string} */ tell,
    ) => {
      grid = now;
      const { selected, state } = scene;
      const chosen = [state.hover, selected.at(-1), strongestPatch(scene), grid.patches[0]];
      const unit = /** @type {number} */ (
        chosen.find((u) => u !== null && u !== undefined && grid.patches.includes(u))
      );
      const patch = grid.patches.indexOf(unit);
      /** @param {number} share */
      const percent = (share) => `${share * 100}%`;
      Object.assign(root.style, {
        left: percent((patch % grid.columns) / grid.columns),
        top: percent(floor(patch / grid.columns) / grid.rows),
        width: percent(1 / grid.columns),
        height: percent(1 / grid.rows),
      });
      if (!state.dragging) setAttributes(root, { label: `${tell(unit)}. ${help}` });
    },
  );
};

/**
 * Where the keyboard begins: the strongest patch, or the largest difference.
 * @param {any} scene @returns {number | undefined}
 */
export const strongestPatch = ({ order, unitEvidence }) => (order ?? unitEvidence.order)[0];
