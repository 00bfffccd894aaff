/** What follows the pointer and the selection in the flow; drawn apart, so that it is cheap. */
import { shorten } from "../../evidence/format.js";
import { clamp, max, round } from "../../evidence/maths.js";
import { replaceContent, toggleClass } from "../../kit/dom.js";
import { unitOfNode } from "../../kit/input.js";
import { line, rect, svgText } from "../../kit/shapes.js";

/**
 * @param {SVGGElement} g
 * @param {SVGGElement} still holds the words
 * @param {import("../../evidence/scene.js").Scene} scene
 * @param {import("../../geometry/flow_layout.js").Layout} layout
 * @param {import("../../geometry/flow_labels.js").Label[]} labels
 */
export const drawMarks = (g, still, { state, selected, units }, layout, labels) => {
  const { hover, hoverLayer } = state;
  const { output, bottom, column, x0, x1, first, last, x, strips } = layout;
  for (const text of still.querySelectorAll("[data-unit]"))
    toggleClass(text, "hot", unitOfNode(text) === hover);
  const named = new Set(labels.map((l) => l.unit));
  const marked = new Set([...selected, hover ?? -1]);
  const width = max(2, column);
  const seen = [...marked].filter((unit) => unit >= first && unit < last);
  replaceContent(
    g,
    ...seen.flatMap((unit) => [
      rect("band", x(unit) - width / 2, output, width, bottom - output),
      ...[-1, 1].map((side) => {
        const at = round(x(unit) + (side * width) / 2) + 0.5;
        return line("edge", at, at, output, bottom + 2, { opacity: !selected.includes(unit) && 0.5 });
      }),
      !named.has(unit) &&
        svgText(
          "strong halo broad middle name",
          clamp(x(unit), x0 + 20, x1 - 20),
          bottom + 21,
          shorten(units.names[unit], 24),
        ),
    ]),
  );
  if (hoverLayer === null || hover === null || !seen.includes(hover)) return;
  const { top, height } = strips[hoverLayer];
  g.append(rect("cell", x(hover) - width / 2, top, width, height));
};
