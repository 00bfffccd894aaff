/** The clock that walks through the layers. */
import { floor, max, min } from "../evidence/maths.js";

/** @typedef {import("./store.js").Store} Store */

/** Milliseconds for a layer to rise, to rest, and to stand when nothing may move. */
const RISE = 1000;
const REST = 550;
const STILL = 1600;
/** Deep models are walked faster: the whole takes no longer than about this. */
const LONGEST = 16000;

/**
 * @param {Store} store
 * @param {() => number} layers
 */
export const createPlayer = (store, layers) => {
  let frame = 0;

  function start() {
    const L = layers();
    const speed = max(1, (L * (RISE + REST)) / LONGEST);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const from = store.state.play;
    store.set({ layer: null, play: from === null || from >= L ? 0 : from, playing: true });
    let last = performance.now();
    let hold = still ? STILL : 0;
    /** @param {number} now */
    const step = (now) => {
      const { play, playing } = store.state;
      if (!playing || play === null) return;
      // The first frame may carry a time from before the click.
      const passed = max(0, now - last) * speed;
      last = now;
      if (hold > 0) hold -= passed;
      else {
        const next = floor(play) + 1;
        const to = still ? next : min(next, play + passed / RISE);
        if (to === next) hold = still ? STILL : REST;
        store.set(to >= L ? { play: L, playing: false } : { play: to });
      }
      frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
  }

  return {
    toggle() {
      if (store.state.playing) store.set({ playing: false });
      else start();
    },
    stop: () => cancelAnimationFrame(frame),
  };
};
