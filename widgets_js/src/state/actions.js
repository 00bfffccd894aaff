/** What a reader can do, as changes of the one state. */
import { clamp, floor } from "../evidence/maths.js";
import { isSameQuestion, turnQuestion } from "../evidence/question.js";
import { shiftSpan, zoomIn, zoomOut } from "../evidence/zoom.js";
import { createHistory } from "./history.js";
import { createMatrixActions } from "./matrix_actions.js";
import { createPlayer } from "./player.js";
import { shareString } from "./share.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("../evidence/scene.js").Scene} Scene */

/** At most this many words are selected together: their ribbons must stay tellable. */
const MOST = 4;
/** How long a word is pointed at before its ribbons grow, and how long they stay, in ms. */
const PREVIEW = { in: 110, out: 180 };
/** λ has come to rest when it has not moved for this long. */
const REST = 160;

const STILL = { play: null, playing: false };
/** Nothing is pointed at. */
const AWAY = { hover: null, hoverLayer: null, preview: null };

/**
 * @param {Store} store
 * @param {() => Scene} scene
 * @param {(question: object) => void} send to Python
 */
export const createActions = (store, scene, send) => {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let rest;
  const player = createPlayer(store, () => scene().x.weights.length);
  const history = createHistory(store);
  /** @param {number[]} units */
  const tokens = (units) => units.flatMap((u) => scene().units.members[u]);

  const actions = {
    /** @param {number} unit @param {boolean} [more] add to the selection */
    pick(unit, more) {
      const { selected } = scene();
      const others = more ? selected.filter((u) => u !== unit) : [];
      const again = selected.includes(unit) && (more || selected.length === 1);
      const next = again ? others : [...others, unit].slice(-MOST);
      clearTimeout(timer);
      store.set({ selected: tokens(next), preview: null });
    },

    /** @param {number | null} unit @param {number | null} [layer] */
    hover(unit, layer = null) {
      if (unit === store.state.hover && layer === store.state.hoverLayer) return;
      store.set({ hover: unit, hoverLayer: layer });
      clearTimeout(timer);
      if (store.state.playing) return;
      timer = setTimeout(
        () => {
          const { resting } = scene();
          // A word that already has its ribbons only makes the others step back.
          store.set({ preview: unit === null || resting.includes(unit) ? null : unit });
        },
        unit === null ? PREVIEW.out : PREVIEW.in,
      );
    },

    /** Step through the words with the keyboard: ribbons at once. @param {number} step */
    walk(step) {
      const { sight, selected } = scene();
      const from = store.state.hover ?? selected[0] ?? (step > 0 ? sight.first - 1 : sight.last);
      const unit = clamp(from + step, sight.first, sight.last - 1);
      clearTimeout(timer);
      store.set({ hover: unit, hoverLayer: null, preview: unit });
    },

    /** @param {number | null} layer */
    layer: (layer) => store.set({ layer, ...STILL }),

    /** One layer up or down; beyond either end all are shown. @param {1 | -1} step */
    climb(step) {
      const L = scene().x.weights.length;
      const { layer } = store.state;
      const next = layer === null ? (step > 0 ? 0 : L - 1) : layer + step;
      store.set({ layer: next < 0 || next >= L ? null : next, ...STILL });
    },

    /** @param {number} lam @param {boolean} [final] */
    lam(lam, final = false) {
      clearTimeout(rest);
      store.set({ lam, dragging: !final, held: !final });
      if (!final) rest = setTimeout(() => store.set({ dragging: false }), REST);
    },

    /** @param {State["granularity"]} granularity */
    granularity: (granularity) => store.set({ granularity, ...AWAY, cross: null, zoom: [] }),

    /** @param {State["span"]} span @param {boolean} [final] */
    span(span, final = true) {
      store.set({ span, dragging: !final });
    },

    /** @param {number} lengths of the window by which it moves */
    shift: (lengths) => store.set({ span: shiftSpan(store.state.span, lengths, scene().x.tokens.length) }),

    /** @param {1 | -1} step nearer or farther @param {number | null} [unit] that is zoomed to */
    zoom(step, unit = null) {
      const { x, units, selected, sight } = scene();
      const at = unit ?? store.state.hover ?? selected[0] ?? floor((sight.first + sight.last) / 2);
      const T = x.tokens.length;
      const next = step > 0 ? zoomIn(store.state, T, units.members[at]) : zoomOut(store.state, T);
      store.set({ ...next, ...AWAY });
    },

    ...history,

    /** The keys for it. @type {Record<string, () => void>} */
    zoomKeys: {
      "+": () => actions.zoom(1),
      "=": () => actions.zoom(1),
      "-": () => actions.zoom(-1),
      0: () => actions.span(null),
    },

    /** Hand the state on as a string: to the clipboard, and to the eye. */
    async share() {
      const text = shareString(store.state);
      const copied = await navigator.clipboard?.writeText(text).then(
        () => true,
        () => false,
      );
      store.set({ note: `${copied ? "Copied" : "The state of this view"}: ${text}` });
    },

    nextTheme() {
      const themes = /** @type {const} */ (["auto", "light", "dark", "auto"]);
      store.set({ theme: themes[themes.indexOf(store.state.theme) + 1] });
    },

    /** @param {number} target */
    target(target) {
      const question = turnQuestion(store.state, target);
      if (!isSameQuestion(question, store.state)) store.set({ ...question, ...STILL });
    },

    /** @param {number | null} contrast */
    contrast: (contrast) => store.set({ contrast, ...STILL }),

    play: player.toggle,

    dismiss: () => store.set({ error: "", note: "" }),

    /** How far to trust the map of this λ: the answer is a note. */
    check() {
      actions.dismiss();
      send({ kind: "check", lam: store.state.lam });
    },

    clear() {
      clearTimeout(timer);
      store.set({
        selected: [],
        layer: null,
        cell: [],
        head: null,
        cross: null,
        zoom: [],
        ...AWAY,
        ...STILL,
      });
    },

    stop() {
      clearTimeout(timer);
      clearTimeout(rest);
      player.stop();
      history.stop();
    },
  };
  return { ...actions, scene, matrix: createMatrixActions(store, scene, actions) };
};

/** @typedef {ReturnType<typeof createActions>} Actions */
