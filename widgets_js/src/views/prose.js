/** The explained text; a bar over each word that supports, a hatched one under each that opposes. */
import { bare } from "../lib/units.js";
import { clamp, layerName, signed } from "../lib/format.js";
import { differ, el, roving, set, textWidth } from "./dom.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */

/** Above this many tokens the text is set small and weak bars are left out earlier. */
const LONG = 120;
/** A line is set in one piece when it can be at least this large. */
const LARGE = 24;
const LARGEST = 40;

/**
 * @param {import("../actions.js").Actions} actions
 * @param {{specimen?: boolean, small?: boolean}} [options] set as a specimen: serif, larger; or small in any width
 */
export function proseView(actions, { specimen = false, small = false } = {}) {
  const title = el("b");
  const unit = el("span");
  const text = el("div", {
    class: "prose",
    role: "listbox",
    "aria-label": "The text; each word carries a bar",
    "aria-multiselectable": "true",
  });
  const root = el("div", { class: specimen ? "text specimen" : "text" }, el("div", { class: "head" }, title, unit), text);
  const rebuilt = differ();
  const resized = differ();
  const repainted = differ();
  const remarked = differ();
  /** @type {HTMLElement[]} */
  let words = [];
  listen(text, actions);

  /** @param {Scene} scene */
  function paint({ picture: p, layer, x, state }) {
    const values = layer === null ? p.net : p.cells[layer];
    const largest = layer === null ? p.largest : p.cellLargest;
    const least = x.tokens.length > LONG ? 0.06 : 0.03;
    for (const word of words) {
      const v = values[Number(word.dataset.unit)];
      const share = clamp(v / largest, -1, 1);
      const seen = Math.abs(share) < least ? 0 : share;
      const bar = seen.toFixed(2);
      if (word.dataset.bar !== bar) {
        // Rounded to what can be seen, most words need no new style from one λ to the next.
        word.dataset.bar = bar;
        word.style.setProperty("--up", String(Math.max(0, Number(bar))));
        word.style.setProperty("--down", String(Math.max(0, -Number(bar))));
        word.style.setProperty("--ink", (0.4 + 0.6 * Math.min(1, Math.abs(seen) * 1.6)).toFixed(2));
        word.classList.toggle("weak", seen === 0);
      }
      // Nobody can listen to a value that is being dragged.
      if (!state.dragging) set(word, { "aria-label": `${word.textContent}: ${signed(v, 3)}` });
    }
    const where = layer === null ? "" : layer ? `layer ${layer}` : "the embeddings";
    title.textContent = layer === null ? "The text" : `The text at ${where}`;
    unit.textContent =
      layer === null
        ? `bars: net relevance of each ${state.granularity}, in shares`
        : `bars: share of ${layerName(layer, x.weights.length).toLowerCase()}, before its weight`;
  }

  return Object.assign(root, {
    /** @param {Scene} scene @param {number} width of the widget */
    draw(scene, width) {
      const { state, units, x, selected } = scene;
      const { span } = state;
      if (rebuilt(units, x, span)) {
        words = build(text, scene);
        set(text, { dir: scene.rtl ? "rtl" : "ltr" });
        text.classList.toggle("long", x.tokens.length > LONG);
        text.classList.toggle("joined", state.granularity === "sentence" || state.granularity === "passage");
      }
      if (resized(width, units, span)) {
        const size = fontSize(text, scene, specimen, small);
        text.style.setProperty("--size", `${size}px`);
        // Measured when the page is laid out anyway.
        requestAnimationFrame(() => fold(text));
      }
      if (repainted(scene.picture, scene.layer, units, span, state.dragging)) paint(scene);
      if (!remarked(units, span, state.hover, String(selected))) return;
      for (const word of words) {
        const u = Number(word.dataset.unit);
        word.classList.toggle("hot", u === state.hover);
        const on = selected.includes(u);
        if (word.classList.contains("on") === on) continue;
        word.classList.toggle("on", on);
        set(word, { "aria-selected": String(on) });
        if (on) requestAnimationFrame(() => reveal(text, word));
      }
    },
  });
}

/** Show that a folded text goes on. @param {HTMLElement} box */
function fold(box) {
  box.classList.toggle("cut", box.scrollHeight - box.scrollTop - box.clientHeight > 8);
}

/** Scroll the text, not the page. @param {HTMLElement} box @param {HTMLElement} word */
function reveal(box, word) {
  if (box.scrollHeight <= box.clientHeight) return;
  const top = word.offsetTop - box.offsetTop;
  if (top < box.scrollTop || top + word.offsetHeight > box.scrollTop + box.clientHeight)
    box.scrollTop = top - box.clientHeight / 2;
}

/** @param {HTMLElement} text @param {Scene} scene @param {boolean} specimen @param {boolean} small */
function fontSize(text, { x }, specimen, small) {
  const width = text.clientWidth;
  const count = x.tokens.length;
  const narrow = small || width < 480;
  if (specimen) {
    const family = getComputedStyle(text).fontFamily;
    const chips = x.special.filter(Boolean).length * 40;
    const line = textWidth(x.text, 20, family) / 20;
    const fits = Math.floor((width - chips - 8) / Math.max(1, line));
    if (fits >= LARGE) return Math.min(fits, LARGEST);
    return count <= 24 ? (narrow ? 20 : 26) : count <= 60 ? (narrow ? 18 : 21) : count <= LONG ? 18 : narrow ? 15 : 16;
  }
  return count < 24 ? (narrow ? 19 : 26) : count <= LONG ? (narrow ? 15 : 17) : narrow ? 15 : 14;
}

/**
 * Rebuild the text.  Pieces of one word share a wrapper and stay inline, so that letters still join.
 * @param {HTMLElement} text @param {Scene} scene
 */
function build(text, { x, units, state }) {
  text.replaceChildren();
  /** @type {HTMLElement[]} */
  const words = [];
  let end = 0;
  /** @param {number} t @param {string} content @param {string} kind */
  const word = (t, content, kind) => {
    const node = el(
      "span",
      { class: `w ${kind}`, role: "option", tabindex: -1, "aria-selected": "false", "data-unit": units.of[t] },
      content,
    );
    words.push(node);
    return node;
  };
  /** @param {number} t @param {number} last */
  const written = (t, last) => {
    const [from, to] = [x.offsets[t][0], x.offsets[last][1]];
    if (from > end) text.append(x.text.slice(end, from));
    const content = x.text.slice(Math.max(from, end), to) || x.tokens[t];
    end = Math.max(end, to);
    return content;
  };
  /** A mark that follows its word without a space must not start a line. @param {HTMLElement} node @param {number} t */
  const put = (node, t) => {
    const before = text.lastChild;
    const follows = t > 0 && x.offsets[t][0] === x.offsets[t - 1][1] && /^[\p{Pe}\p{Pf}\p{Po}]/u.test(node.textContent ?? "");
    if (!follows || !(before instanceof HTMLElement)) text.append(node);
    else if (before.classList.contains("glued")) before.append(node);
    else text.append(el("span", { class: "glued" }, before, node));
  };
  const [from, to] = state.span ?? [0, x.tokens.length - 1];
  if (from > 0) text.append("… ");
  for (let t = from; t <= to; t++) {
    if (t === from && !x.special[t]) end = x.offsets[t][0];
    if (units.granularity === "passage" && t > from && !x.special[t] && units.of[t] !== units.of[t - 1])
      text.append(el("span", { class: "break" }));
    if (x.special[t]) {
      const chip = word(t, bare(x.tokens[t]), "chip");
      const before = text.lastChild;
      // A chip at the end must not stand on a line of its own; a long word must stay breakable.
      const short = before instanceof HTMLElement && (before.textContent ?? "").length < 20;
      if (t === to && short) {
        text.append(el("span", { class: "glued" }, before, " ", chip));
      } else text.append(" ", chip, " ");
      continue;
    }
    let last = t;
    while (last < to && x.wordIds[t] >= 0 && x.wordIds[last + 1] === x.wordIds[t]) last++;
    if (units.granularity !== "token" || last === t) {
      const node = word(t, written(t, last), "");
      // The bars of one sentence join up across its spaces.
      if (units.of[last + 1] !== units.of[t]) node.classList.add("last");
      put(node, t);
    } else {
      const whole = el("span", { class: "whole" });
      for (let k = t; k <= last; k++) {
        const content = written(k, k);
        whole.append(word(k, content, k === t ? "piece first" : "piece"));
      }
      put(whole, t);
    }
    t = last;
  }
  if (to < x.tokens.length - 1) text.append(" …");
  if (words[0]) words[0].tabIndex = 0;
  return words;
}

/** @param {HTMLElement} text @param {import("../actions.js").Actions} actions */
function listen(text, actions) {
  const unitOf = (/** @type {Event} */ event) => {
    const word = /** @type {HTMLElement} */ (event.target).closest(".w");
    return word instanceof HTMLElement ? Number(word.dataset.unit) : null;
  };
  const more = (/** @type {MouseEvent | KeyboardEvent} */ e) => e.shiftKey || e.metaKey || e.ctrlKey;
  text.addEventListener("pointerover", (event) => actions.hover(unitOf(event)));
  text.addEventListener("pointerleave", () => actions.hover(null));
  // Adding words with Shift is not marking text.
  text.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
  text.addEventListener("click", (event) => {
    const unit = unitOf(event);
    if (unit !== null) actions.pick(unit, more(event));
  });
  text.addEventListener("focusin", (event) => {
    const unit = unitOf(event);
    for (const word of text.querySelectorAll(".w[tabindex='0']")) set(word, { tabindex: -1 });
    if (event.target instanceof Element) set(event.target, { tabindex: 0 });
    if (event.target instanceof Element && event.target.matches(":focus-visible")) actions.hover(unit);
  });
  text.addEventListener("scroll", () => fold(text), { passive: true });
  text.addEventListener("focusout", () => actions.hover(null));
  text.addEventListener("keydown", (event) => {
    const unit = unitOf(event);
    if (unit === null || (event.key !== "Enter" && event.key !== " ")) return;
    actions.pick(unit, more(event));
    event.preventDefault();
    event.stopPropagation();
  });
  roving(text, ".w", () => {});
}
