/** What a reader can do with the rollout matrix. */
import { clamp, min, round, signOf } from "../evidence/maths.js";

/** Zooming shows no fewer than this many units. */
const LEAST = 8;

/**
 * @param {import("./store.js").Store} store
 * @param {() => import("../evidence/scene.js").Scene} scene
 * @param {{hover: (unit: number | null) => void, layer: (layer: number | null) => void}} shared
 */
export const createMatrixActions = (store, scene, shared) => {
  const pinned = () => {
    const { of } = scene().units;
    const [i, k] = store.state.cell;
    return store.state.cell.length ? /** @type {[number, number]} */ ([of[i] ?? 0, of[k] ?? 0]) : null;
  };
  const actions = {
    /** @param {[number, number] | null} cross row and column, units */
    point(cross) {
      if (String(cross) === String(store.state.cross)) return;
      store.set({ cross });
      shared.hover(cross ? cross[1] : null);
    },

    /** Pin the crosshair, or let it go. @param {[number, number]} cell */
    pin([row, column]) {
      const { members } = scene().units;
      const cell = [members[row][0], members[column][0]];
      const again = String(cell) === String(store.state.cell);
      store.set({ cell: again ? [] : cell, selected: again ? [] : members[column], preview: null });
    },

    /** Pin what the crosshair points at. */
    enter() {
      const cell = store.state.cross ?? pinned();
      if (cell) actions.pin(cell);
    },

    /** @param {number} down rows @param {number} along columns; ±Infinity to an end */
    walk(down, along) {
      const { units, selected } = scene();
      const first = selected[0] ?? 0;
      const [row, column] = store.state.cross ?? pinned() ?? [first - signOf(down), first - signOf(along)];
      /** @param {number} at @param {number} step */
      const to = (at, step) => clamp(at + step, 0, units.count - 1);
      const cross = /** @type {[number, number]} */ ([to(row, down), to(column, along)]);
      const { zoom } = store.state;
      actions.point(cross);
      if (zoom.length) actions.look(zoom[2], cross);
    },

    /** One layer up or down, no further than either end. @param {1 | -1} step */
    climb(step) {
      const L = scene().x.weights.length;
      shared.layer(clamp((scene().layer ?? L - 1) + step, 0, L - 1));
    },

    /**
     * Show so many units around a cell, moving no more than needed.
     * @param {number} wanted @param {[number, number]} [around]
     */
    look(wanted, around) {
      const { count } = scene().units;
      const { zoom, cross } = store.state;
      const size = round(clamp(wanted, min(LEAST, count), count));
      if (size >= count) return store.set({ zoom: [] });
      const [top, left, side] = zoom.length ? zoom : [0, 0, count];
      const [row, column] = around ?? cross ?? pinned() ?? [top + side / 2, left + side / 2];
      /**
       * Where the window starts, so that the cell keeps its place in it.
       * @param {number} at @param {number} start
       */
      const from = (at, start) => {
        const kept = size === side ? clamp(start, at - size + 1, at) : at - ((at - start) / side) * size;
        return round(clamp(kept, 0, count - size));
      };
      store.set({ zoom: [from(row, top), from(column, left), size] });
    },

    /** @param {number} factor below one: closer @param {[number, number]} [around] */
    zoom: (factor, around) => actions.look((store.state.zoom[2] ?? scene().units.count) * factor, around),

    /** Channel, scope, residual, head: nothing hangs on them but the picture. */
    set: store.set,
  };
  return actions;
};
