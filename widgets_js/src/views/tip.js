/** What stands beside the pointer: a word's values and its relevance through the layers. */
import { digits, layerName, number, short, signed } from "../lib/format.js";
import { differ, el, set, svg } from "./dom.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */

const SPARK = { width: 160, height: 36 };

/** @param {HTMLElement} root the widget, within which the tip stays */
export function tipView(root) {
  const tip = el("div", { class: "tip", role: "tooltip", hidden: true });
  const fresh = differ();
  /** @type {{x: number, y: number, word: Element | null} | null} */
  let pointer = null;
  const follow = (/** @type {PointerEvent} */ event) => {
    const target = /** @type {Element} */ (event.target);
    pointer = { x: event.clientX, y: event.clientY, word: target.closest(".w") };
    if (!tip.hidden) place();
  };
  // The first move over a word must be known before the word asks for its tip.
  root.addEventListener("pointerover", follow, true);
  root.addEventListener("pointermove", follow, true);
  root.addEventListener("keydown", () => (pointer = null), true);

  function place() {
    const box = root.getBoundingClientRect();
    const focused = root.ownerDocument.activeElement;
    const word = pointer ? pointer.word : focused?.closest?.(".w");
    const { offsetWidth: w, offsetHeight: h } = tip;
    let left;
    let top;
    if (word) {
      // Clear of the word and of both its bars.
      const at = word.getBoundingClientRect();
      const clear = (/** @type {string} */ bar) => parseFloat(getComputedStyle(word, bar).height) || 0;
      left = at.left - box.left + at.width / 2 - w / 2;
      top = at.bottom - box.top + clear("::after") + 8;
      if (top + h > box.height) top = Math.max(0, at.top - box.top - clear("::before") - h - 8);
    } else if (pointer) {
      left = pointer.x - box.left + 16;
      if (left + w > box.width) left = pointer.x - box.left - w - 14;
      top = pointer.y - box.top + 18;
      // Growing beyond the widget would make the notebook's output scroll.
      if (top + h > box.height) top = Math.max(0, pointer.y - box.top - h - 14);
    } else {
      tip.hidden = true;
      return;
    }
    tip.style.left = `${Math.max(0, Math.min(left, box.width - w))}px`;
    tip.style.top = `${top}px`;
  }

  return Object.assign(tip, {
    /** @param {Scene} scene */
    draw(scene) {
      const { hover, hoverLayer, cross } = scene.state;
      // The matrix says its own value.
      const shown = hover !== null && !cross && hover < scene.units.count && !scene.state.playing;
      if (!shown) {
        tip.hidden = true;
        fresh(null);
        return;
      }
      if (fresh(hover, hoverLayer, scene.picture)) tip.replaceChildren(...content(scene, hover, hoverLayer));
      tip.hidden = false;
      place();
    },
  });
}

/** @param {Scene} scene @param {number} unit @param {number | null} b */
function content({ picture: p, units, x, layer }, unit, b) {
  const d = digits(p.largest);
  const L = x.weights.length;
  /** @param {string} name @param {string} value @param {string} [kind] */
  const row = (name, value, kind) => el("tr", {}, el("td", {}, name), el("td", { class: kind }, value));
  const rows = [
    row(`supports ${p.name}`, number(p.supporting[unit], d), "supports"),
    row(`opposes ${p.name}`, number(p.opposing[unit], d), "opposes"),
    row("net, in shares", signed(p.net[unit], d)),
  ];
  const at = b ?? layer;
  const name = (/** @type {number} */ l) => layerName(l, L).toLowerCase();
  if (at !== null) rows.push(row(`${name(at)} × weight ${number(x.weights[at])}`, signed(p.cells[at][unit] * x.weights[at], 3)));
  rows.push(row(`gradients, ${name(at ?? 0)}`, signed(p.r[at ?? 0][unit], 3)));
  return [
    el("b", { dir: "auto" }, short(units.labels[unit], 60)),
    el("table", {}, el("tbody", {}, ...rows)),
    spark(p.cells.map((row) => row[unit]), at, L),
  ];
}

/** @param {number[]} values one per block @param {number | null} at @param {number} L */
function spark(values, at, L) {
  const { width, height } = SPARK;
  const largest = Math.max(1e-12, ...values.map(Math.abs));
  const step = width / values.length;
  const middle = height / 2;
  const figure = svg("svg", { width, height: height + 13, "aria-hidden": true });
  figure.append(svg("line", { class: "rule", x1: 0, x2: width, y1: middle, y2: middle }));
  values.forEach((v, b) => {
    const h = (Math.abs(v) / largest) * middle;
    const bar = svg("rect", {
      class: v > 0 ? "sup" : "opp",
      x: b * step + (step > 4 ? 1 : 0),
      width: Math.max(1, step - (step > 4 ? 2 : 0.5)),
      y: v > 0 ? middle - h : middle,
      height: h,
    });
    if (at !== null && at !== b) set(bar, { opacity: 0.4 });
    figure.append(bar);
  });
  figure.append(
    svg("text", { x: 0, y: height + 11 }, "embeddings"),
    svg("text", { x: width, y: height + 11, class: "end" }, `layer ${L - 1}`),
  );
  return figure;
}
