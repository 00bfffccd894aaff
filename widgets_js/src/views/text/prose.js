/** The explained text; a bar over each word that supports, a hatched one under each that opposes. */
import { fill, sentences, sizes } from "../../evidence/design.js";
import { formatSigned, layerInSentence } from "../../evidence/format.js";
import { abs, clamp, floor, max, min, round } from "../../evidence/maths.js";
import {
  createChangeTest,
  el,
  fontFamily,
  replaceContent,
  setAttributes,
  textWidth,
  toggleClass,
  view,
} from "../../kit/dom.js";
import {
  consumeEvent,
  eventTarget,
  isAdding,
  listenToUnits,
  markUnits,
  moveFocusByArrows,
  unitOfNode,
} from "../../kit/input.js";
import { renderWords } from "./words.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */

const TOLD = sentences.text;
/** Above this many tokens the text is set small and weak bars are left out earlier. */
const { LONG } = sizes.text;
/** A line is set in one piece when it can be at least this large. */
const { LARGE, LARGEST } = sizes.text;

/**
 * @param {import("../../state/actions.js").Actions} actions
 * @param {{specimen?: boolean, small?: boolean}} options set as a specimen: serif,
 *   larger; or small in any width
 */
export const proseView = (actions, { specimen, small }) => {
  const title = el("b");
  const unit = el("span");
  const text = el("div.prose", {
    role: "listbox",
    label: "The text; each word carries a bar",
    "aria-multiselectable": true,
  });
  const measured = createChangeTest();
  const rebuilt = createChangeTest();
  const resized = createChangeTest();
  const repainted = createChangeTest();
  const remarked = createChangeTest();
  /** @type {HTMLElement[]} */
  let words = [];
  /** What each word's bar was drawn as. @type {number[]} */
  let bars = [];
  let room = 0;
  let family = "";
  listen(text, actions);

  /** @param {Scene} scene @param {number} width */
  const measure = ({ x }, width) => {
    if (!measured(x, width)) return;
    toggleClass(text, "long", x.tokens.length > LONG);
    room = text.clientWidth;
    family = fontFamily(text);
  };

  /** @param {Scene} scene */
  function paint({ unitEvidence: p, layer, x, state, evidence }) {
    const largest = layer === null ? p.largest : p.cellLargest;
    const least = x.tokens.length > LONG ? 0.06 : 0.03;
    // Rounded to what can be seen in motion, most words need no new style from one λ to the next.
    const fine = state.dragging ? 25 : 100;
    words.forEach((word, i) => {
      const v = evidence[/** @type {number} */ (unitOfNode(word))];
      const share = clamp(v / largest, -1, 1);
      const seen = abs(share) < least ? 0 : share;
      const bar = round(seen * fine) / fine;
      if (bars[i] !== bar) {
        bars[i] = bar;
        const ink = 0.4 + 0.6 * min(1, abs(bar) * 1.6);
        word.style.cssText = `--up:${max(0, bar)};--down:${max(0, -bar)};--ink:${ink}`;
        toggleClass(word, "weak", !seen);
      }
      // Nobody can listen to a value that is being dragged.
      if (!state.dragging) setAttributes(word, { label: `${word.textContent}: ${formatSigned(v, 3)}` });
    });
    replaceContent(
      title,
      layer === null
        ? TOLD.title
        : fill(TOLD.title_at, {
            layer: layer ? layerInSentence(x, layer) : sentences.layers.the_embeddings,
          }),
    );
    replaceContent(
      unit,
      layer === null
        ? fill(TOLD.note, { grain: state.granularity })
        : fill(TOLD.note_at, { layer: layerInSentence(x, layer) }),
    );
  }

  const root = el(`div.text.${specimen ? "specimen" : ""}`, el("div.head", title, unit), text);
  /** @param {Scene} scene @param {number} width */
  const draw = (scene, width) => {
    const { state, units, x, selected } = scene;
    const { span } = state;
    measure(scene, width);
    if (rebuilt(units, x, span)) {
      words = renderWords(text, scene);
      bars = [];
      setAttributes(text, { dir: scene.rtl ? "rtl" : "ltr" });
      toggleClass(text, "joined", ["sentence", "passage"].includes(state.granularity));
    }
    if (resized(width, units, span)) {
      text.style.setProperty("--size", `${fontSize(x, room, family, specimen, small)}px`);
      // Measured when the page is laid out anyway.
      requestAnimationFrame(() => fold(text));
    }
    if (repainted(scene.unitEvidence, scene.layer, units, span, state.dragging)) paint(scene);
    if (!remarked(units, span, state.hover, String(selected))) return;
    const before = new Set(words.filter((word) => word.ariaSelected === "true"));
    markUnits(words, scene);
    for (const word of words) {
      const on = word.classList.contains("on");
      if (before.has(word) === on) continue;
      setAttributes(word, { "aria-selected": on });
      if (on) requestAnimationFrame(() => reveal(text, word));
    }
  };
  return view(root, draw, measure);
};

/** Show that a folded text goes on. @param {HTMLElement} box */
const fold = (box) => toggleClass(box, "cut", box.scrollHeight - box.scrollTop - box.clientHeight > 8);

/** Scroll the text, not the page. @param {HTMLElement} box @param {HTMLElement} word */
const reveal = (box, word) => {
  if (box.scrollHeight <= box.clientHeight) return;
  const top = word.offsetTop - box.offsetTop;
  if (top < box.scrollTop || top + word.offsetHeight > box.scrollTop + box.clientHeight)
    box.scrollTop = top - box.clientHeight / 2;
};

/**
 * @param {Scene["x"]} x @param {number} width @param {string} family @param {boolean} [specimen]
 * @param {boolean} [small]
 */
const fontSize = (x, width, family, specimen, small) => {
  const count = x.tokens.length;
  const narrow = small || width < 480;
  if (specimen) {
    const chips = x.special.filter(Boolean).length * 40;
    const line = textWidth(x.text, 20, family) / 20;
    const fits = floor((width - chips - 8) / max(1, line));
    if (fits >= LARGE) return min(fits, LARGEST);
    return count <= 24
      ? narrow
        ? 20
        : 26
      : count <= 60
        ? narrow
          ? 18
          : 21
        : count <= LONG
          ? 18
          : narrow
            ? 15
            : 16;
  }
  return count < 24 ? (narrow ? 19 : 26) : count <= LONG ? (narrow ? 15 : 17) : narrow ? 15 : 14;
};

/** @param {HTMLElement} text @param {import("../../state/actions.js").Actions} actions */
const listen = (text, actions) => {
  listenToUnits(text, actions);
  setAttributes(text, {
    // Adding words with Shift is not marking text.
    mousedown: (event) => event.shiftKey && event.preventDefault(),
    focusin(event) {
      const target = eventTarget(event);
      for (const word of text.querySelectorAll(".w[tabindex='0']")) setAttributes(word, { tabindex: -1 });
      setAttributes(target, { tabindex: 0 });
      if (target.matches(":focus-visible")) actions.hover(unitOfNode(target));
    },
    scroll: () => fold(text),
    focusout: () => actions.hover(null),
    keydown(event) {
      const unit = unitOfNode(eventTarget(event));
      if (unit === null || !/^(Enter| )$/.test(event.key)) return;
      actions.pick(unit, isAdding(event));
      consumeEvent(event);
    },
  });
  moveFocusByArrows(text, ".w", () => {});
};
