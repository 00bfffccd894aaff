/** The clock that walks through the layers. */

/** @typedef {import("./lib/store.js").Store} Store */

/** Milliseconds for a layer to rise, to rest, and to stand when nothing may move. */
const PACE = { rise: 1000, rest: 550, still: 1600 };
/** Deep models are walked faster: the whole takes no longer than about this. */
const LONGEST = 16000;

/**
 * @param {Store} store
 * @param {() => number} layers
 */
export function createPlayer(store, layers) {
  let frame = 0;

  function start() {
    const L = layers();
    const speed = Math.max(1, (L * (PACE.rise + PACE.rest)) / LONGEST);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const from = store.state.play;
    store.set({ layer: null, play: from === null || from >= L ? 0 : from, playing: true });
    let last = performance.now();
    let hold = still ? PACE.still : 0;
    const step = (/** @type {number} */ now) => {
      const { play, playing } = store.state;
      if (!playing || play === null) return;
      // The first frame may carry a time from before the click.
      const passed = Math.max(0, now - last) * speed;
      last = now;
      if (hold > 0) hold -= passed;
      else {
        const next = Math.floor(play) + 1;
        const to = still ? next : Math.min(next, play + passed / PACE.rise);
        if (to === next) hold = still ? PACE.still : PACE.rest;
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
}
