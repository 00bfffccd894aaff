/** What stands beside the pointer: a word's values and its relevance through the layers. */
import { NOTHING } from "../../evidence/comparison.js";
import { digits, layerIn, number, short, signed } from "../../evidence/format.js";
import { abs, clamp, max, peak, sum, TINY } from "../../evidence/maths.js";
import { differ, el, HIDDEN, put, svg, view } from "../../kit/dom.js";
import { placeIn, targetOf } from "../../kit/input.js";
import { line, rect, words } from "../../kit/shapes.js";
import { lostIn } from "../../wording/story.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */
/** @typedef {import("../../evidence/comparison.js").Compared} Compared */

const WIDTH = 160;
const HEIGHT = 36;

/** @param {HTMLElement} root the widget, within which the tip stays */
export const tipView = (root) => {
  const tip = el("div.tip", { role: "tooltip", hidden: true });
  const fresh = differ();
  /** @type {PointerEvent | null} */
  let pointer = null;
  /** @type {Element | null} */
  let pointed = null;
  const follow = (/** @type {PointerEvent} */ event) => {
    pointer = event;
    pointed = targetOf(event).closest(".w");
    if (!tip.hidden) place();
  };
  // The first move over a word must be known before the word asks for its tip.
  root.addEventListener("pointerover", follow, true);
  root.addEventListener("pointermove", follow, true);
  root.addEventListener("keydown", () => (pointer = null), true);

  function place() {
    const box = root.getBoundingClientRect();
    const word = pointer ? pointed : root.ownerDocument.activeElement?.closest(".w");
    const { offsetWidth: w, offsetHeight: h } = tip;
    let left;
    let top;
    if (word) {
      // Clear of the word and of both its bars.
      const at = word.getBoundingClientRect();
      const clear = (/** @type {string} */ bar) => 8 + (parseFloat(getComputedStyle(word, bar).height) || 0);
      left = at.left - box.left + at.width / 2 - w / 2;
      top = at.bottom - box.top + clear("::after");
      if (top + h > box.height) top = max(0, at.top - box.top - clear("::before") - h);
    } else if (pointer) {
      const [x, y] = placeIn(root, pointer);
      left = x + 16;
      if (left + w > box.width) left = x - w - 14;
      top = y + 18;
      // Growing beyond the widget would make the notebook's output scroll.
      if (top + h > box.height) top = max(0, y - h - 14);
    } else {
      tip.hidden = true;
      return;
    }
    tip.style.left = `${clamp(left, 0, max(0, box.width - w))}px`;
    tip.style.top = `${top}px`;
  }

  return view(tip, (/** @type {Scene} */ scene) => {
    const { hover, hoverLayer, cross, playing } = scene.state;
    // The matrix says its own value.
    tip.hidden = hover === null || Boolean(cross) || hover >= scene.units.count || playing;
    if (tip.hidden) fresh(null);
    else {
      if (fresh(hover, hoverLayer, scene.picture))
        put(
          tip,
          el("b", { dir: "auto" }, short(scene.units.labels[/** @type {number} */ (hover)], 60)),
          ...content(scene, /** @type {number} */ (hover), hoverLayer),
        );
      place();
    }
  });
};

/** A row's values on all sides. @param {Compared} scene @param {number} n */
const compared = ({ sides, values, places: d, layer }, n) => {
  const cells = (/** @type {string[]} */ texts) => el("tr", ...texts.map((text) => el("td", text)));
  return [
    el(
      "table",
      el(
        "tbody",
        layer === null && cells(["", "supports", "opposes", "net"]),
        ...sides.map(({ name, scene, rowOf }, i) => {
          const own = (/** @type {number[]} */ all) => number(sum(all.filter((_, u) => rowOf[u] === n)), d);
          const v = values[n][i];
          const { supporting, opposing } = scene.picture;
          const parts = layer === null ? [own(supporting), own(opposing)] : [];
          return cells([short(name, 24), ...parts, v === null ? NOTHING : signed(v, d)]);
        }),
      ),
    ),
  ];
};

/** @param {Scene} scene @param {number} unit @param {number | null} b */
const content = (scene, unit, b) => {
  const both = /** @type {Compared} */ (scene);
  if (both.sides) return compared(both, unit);
  const { picture: p, x, layer } = scene;
  const lost = lostIn(scene, unit);
  const d = digits(p.largest);
  const row = (/** @type {string} */ name, /** @type {string} */ value, kind = "") =>
    el("tr", el("td", name), el(`td.${kind}`, value));
  const at = b ?? layer;
  const place = at ?? 0;
  return [
    el(
      "table",
      el(
        "tbody",
        row(`supports ${p.name}`, number(p.supporting[unit], d), "supports"),
        row(`opposes ${p.name}`, number(p.opposing[unit], d), "opposes"),
        row("net, in shares", signed(p.net[unit], d)),
        at !== null &&
          row(
            `${layerIn(x, at)} × weight ${number(x.weights[at])}`,
            signed(p.cells[at][unit] * x.weights[at], 3),
          ),
        row(`gradients, ${layerIn(x, place)}`, signed(p.r[place][unit], 3)),
        lost && row("not a number, so zero", lost),
      ),
    ),
    spark(
      p.cells.map((row) => row[unit]),
      at,
    ),
  ];
};

/** @param {number[]} values one per block @param {number | null} at */
const spark = (values, at) => {
  const largest = max(TINY, peak(values));
  const step = WIDTH / values.length;
  const middle = HEIGHT / 2;
  const gap = step > 4 ? 1 : 0;
  const bars = values.map((v, b) => {
    const h = (abs(v) / largest) * middle;
    const opacity = at !== null && at !== b && 0.4;
    return rect(
      v > 0 ? "sup" : "opp",
      b * step + gap,
      v > 0 ? middle - h : middle,
      max(1, step - (2 * gap || 0.5)),
      h,
      { opacity },
    );
  });
  return svg(
    "svg",
    { width: WIDTH, height: HEIGHT + 13, ...HIDDEN },
    line("rule", 0, WIDTH, middle, middle),
    ...bars,
    words("", 0, HEIGHT + 11, "embeddings"),
    words("end", WIDTH, HEIGHT + 11, `layer ${values.length - 1}`),
  );
};
