/** What a reader can do with patches, beside all that can be done in every view. */
import { clamp, floor, max, min } from "../evidence/maths.js";
import { strongestPatch } from "./cursor.js";

/** @typedef {import("./evidence/map.js").Grid} Grid */

/** @param {import("../state/actions.js").Actions} actions */
export const createPatchActions = (actions) => {
  /** As it is now, which may not be drawn yet. */
  const scene = /** @type {() => import("./evidence/settings.js").Scene} */ (actions.scene);
  const change = /** @type {(patch: Partial<import("./evidence/settings.js").State>) => void} */ (
    actions.matrix.set
  );
  /** @param {number[]} units */
  const tokens = (units) => units.flatMap((u) => scene().units.members[u]);
  /** What a rectangle is added to. @type {number[]} */
  let before = [];
  let begun = false;
  const own = {
    ...actions,

    /**
     * The tip tells of what is pointed at; the page must not move under the pointer.
     * @param {number | null} unit
     */
    hover: (unit) => change({ hover: unit, hoverLayer: null, preview: null }),

    /**
     * Patches are many: any number is selected together.
     * @param {number} unit @param {boolean} [more] add it, or take it away
     */
    pick(unit, more) {
      const { selected } = scene();
      const others = more ? selected.filter((u) => u !== unit) : [];
      const again = selected.includes(unit) && (more || selected.length === 1);
      change({ selected: tokens(again ? others : [...others, unit]), preview: null });
    },

    /** Pick what the keyboard has come to. @param {boolean} more */
    enter(more) {
      const { hover } = scene().state;
      if (hover !== null) own.pick(hover, more);
    },

    /**
     * A rectangle between two patches.
     * @param {Grid} grid @param {number} from @param {number} to @param {boolean} more
     */
    brush({ columns, patches }, from, to, more) {
      if (!begun) before = more ? scene().selected : [];
      begun = true;
      const [top, bottom] = [from, to].map((p) => floor(p / columns)).sort((a, b) => a - b);
      const [left, right] = [from, to].map((p) => p % columns).sort((a, b) => a - b);
      const inside = patches.filter((_, p) => {
        const [row, column] = [floor(p / columns), p % columns];
        return row >= top && row <= bottom && column >= left && column <= right;
      });
      change({ selected: tokens([...new Set([...before, ...inside])]), preview: null, dragging: true });
    },
    brushed() {
      begun = false;
      change({ dragging: false });
    },

    /**
     * Step over the picture with the keyboard.
     * @param {Grid} grid @param {number} down @param {number} along ±Infinity: to the end of the row
     */
    step({ columns, rows, patches }, down, along) {
      const { selected, state } = scene();
      const first = [state.hover, selected.at(-1), strongestPatch(scene())].find(
        (u) => u !== null && u !== undefined && patches.includes(u),
      );
      const at = patches.indexOf(first ?? patches[0]);
      const fresh = state.hover === null;
      const row = clamp(floor(at / columns) + (fresh ? 0 : down), 0, rows - 1);
      const column = max(0, min(columns - 1, (at % columns) + (fresh ? 0 : along)));
      const unit = patches[row * columns + column];
      change({ hover: unit, hoverLayer: null, preview: unit });
    },

    /** @param {number} opacity @param {boolean} final while it is dragged only the page knows */
    opacity: (opacity, final) =>
      change(final ? { opacity, faint: null, dragging: false } : { faint: opacity, dragging: true }),

    /** @param {import("./evidence/settings.js").State["channel"]} channel */
    channel: (channel) => change({ channel }),
  };
  return own;
};

/** @typedef {ReturnType<typeof createPatchActions>} PatchActions */
