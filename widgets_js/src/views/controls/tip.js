/** What stands beside the pointer: a word's values and its relevance through the layers. */
import { NOTHING } from "../../evidence/comparison.js";
import { countDigits, formatNumber, formatSigned, layerInSentence, shorten } from "../../evidence/format.js";
import { abs, clamp, largestSize, max, sum, TINY } from "../../evidence/maths.js";
import { createChangeTest, el, HIDDEN, replaceContent, svg, view } from "../../kit/dom.js";
import { eventTarget, pointerPlace } from "../../kit/input.js";
import { line, rect, svgText } from "../../kit/shapes.js";
import { layersOfLost } from "../../wording/story.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */
/** @typedef {import("../../evidence/comparison.js").Compared} Compared */

const WIDTH = 160;
const HEIGHT = 36;

/** @param {HTMLElement} root the widget, within which the tip stays */
export const tipView = (root) => {
  const tip = el("div.tip", { role: "tooltip", hidden: true });
  const fresh = createChangeTest();
  /** @type {PointerEvent | null} */
  let pointer = null;
  /** @type {Element | null} */
  let pointed = null;
  /** @param {PointerEvent} event */
  const follow = (event) => {
    pointer = event;
    pointed = eventTarget(event).closest(".w");
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
      /** @param {string} bar */
      const clear = (bar) => 8 + (parseFloat(getComputedStyle(word, bar).height) || 0);
      left = at.left - box.left + at.width / 2 - w / 2;
      top = at.bottom - box.top + clear("::after");
      if (top + h > box.height) top = max(0, at.top - box.top - clear("::before") - h);
    } else if (pointer) {
      const [x, y] = pointerPlace(root, pointer);
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
      if (fresh(hover, hoverLayer, scene.unitEvidence))
        replaceContent(
          tip,
          el("b", { dir: "auto" }, shorten(scene.units.labels[/** @type {number} */ (hover)], 60)),
          ...content(scene, /** @type {number} */ (hover), hoverLayer),
        );
      place();
    }
  });
};

/** A row's values on all sides. @param {Compared} scene @param {number} n */
const compared = ({ sides, values, places: d, layer }, n) => {
  /** @param {string[]} texts */
  const cells = (texts) => el("tr", ...texts.map((text) => el("td", text)));
  return [
    el(
      "table",
      el(
        "tbody",
        layer === null && cells(["", "supports", "opposes", "net"]),
        ...sides.map(({ name, scene, rowOf }, i) => {
          /** @param {number[]} all */
          const own = (all) => formatNumber(sum(all.filter((_, u) => rowOf[u] === n)), d);
          const v = values[n][i];
          const { supporting, opposing } = scene.unitEvidence;
          const parts = layer === null ? [own(supporting), own(opposing)] : [];
          return cells([shorten(name, 24), ...parts, v === null ? NOTHING : formatSigned(v, d)]);
        }),
      ),
    ),
  ];
};

/** @param {Scene} scene @param {number} unit @param {number | null} b */
const content = (scene, unit, b) => {
  const both = /** @type {Compared} */ (scene);
  if (both.sides) return compared(both, unit);
  const { unitEvidence: p, x, layer } = scene;
  const lost = layersOfLost(scene, unit);
  const d = countDigits(p.largest);
  const row = (/** @type {string} */ name, /** @type {string} */ value, kind = "") =>
    el("tr", el("td", name), el(`td.${kind}`, value));
  const at = b ?? layer;
  const place = at ?? 0;
  return [
    el(
      "table",
      el(
        "tbody",
        row(`supports ${p.name}`, formatNumber(p.supporting[unit], d), "supports"),
        row(`opposes ${p.name}`, formatNumber(p.opposing[unit], d), "opposes"),
        row("net, in shares", formatSigned(p.net[unit], d)),
        at !== null &&
          row(
            `${layerInSentence(x, at)} × weight ${formatNumber(x.weights[at])}`,
            formatSigned(p.cells[at][unit] * x.weights[at], 3),
          ),
        row(`gradients, ${layerInSentence(x, place)}`, formatSigned(p.r[place][unit], 3)),
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
  const largest = max(TINY, largestSize(values));
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
    svgText("", 0, HEIGHT + 11, "embeddings"),
    svgText("end", WIDTH, HEIGHT + 11, `layer ${values.length - 1}`),
  );
};
