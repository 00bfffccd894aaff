/** What follows the pointer and the selection in the flow; drawn apart, so that it is cheap. */
import { clamp, short } from "../lib/format.js";
import { svg } from "./dom.js";

/**
 * @param {SVGGElement} g
 * @param {SVGGElement} still holds the words
 * @param {import("../lib/scene.js").Scene} scene
 * @param {import("../lib/layout.js").Layout} layout
 * @param {import("../lib/axis.js").Label[]} labels
 */
export function drawMarks(g, still, { state, selected, units }, layout, labels) {
  const { hover, hoverLayer } = state;
  const { output, bottom, column, x0, x1, first, last } = layout;
  g.replaceChildren();
  for (const text of still.querySelectorAll("text[data-unit]"))
    text.classList.toggle("hot", text.getAttribute("data-unit") === String(hover));
  const named = new Set(labels.map((l) => l.unit));
  const marked = hover === null || hover >= units.count ? selected : [...new Set([...selected, hover])];
  const width = Math.max(2, column);
  for (const unit of marked) {
    if (unit < first || unit >= last) continue;
    const x = layout.x(unit);
    const faint = unit === hover && !selected.includes(unit);
    g.append(svg("rect", { class: "band", x: x - width / 2, y: output, width, height: bottom - output }));
    for (const side of [-1, 1]) {
      const at = Math.round(x + (side * width) / 2) + 0.5;
      g.append(svg("line", { class: "edge", x1: at, x2: at, y1: output, y2: bottom + 2, opacity: faint ? 0.5 : 1 }));
    }
    if (!named.has(unit))
      g.append(
        svg(
          "text",
          { class: "strong halo broad middle name", x: clamp(x, x0 + 20, x1 - 20), y: bottom + 21 },
          short(units.names[unit], 24),
        ),
      );
  }
  if (hover === null || hoverLayer === null || hover < first || hover >= last) return;
  const { top, height } = layout.strips[hoverLayer];
  const wide = Math.max(3, column);
  g.append(svg("rect", { class: "cell", x: layout.x(hover) - wide / 2, y: top, width: wide, height }));
}
