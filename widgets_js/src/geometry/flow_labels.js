/** Which words stand under the flow, and where: all of them flat or slanted, or the strongest only. */
import { sizes } from "../evidence/design.js";
import { abs, clamp, range, round } from "../evidence/maths.js";

/**
 * @typedef {{unit: number, x: number, y: number, anchor: "middle" | "end", rotate: number, row: number}}
 *   Label
 */

/** At most one label per this many px. */
const { ROOM } = sizes.flow;
/** Words weaker than this share of the strongest are not named. */
const { WEAK, ROW: LINE } = sizes.flow;

/**
 * @param {import("../evidence/scene.js").Scene} scene
 * @param {import("./flow_layout.js").Layout} layout
 * @param {(unit: number) => number} nameWidth width of a unit's name at 12 px
 * @returns {Label[]}
 */
export const axisLabels = ({ unitEvidence: p, units, active }, layout, nameWidth) => {
  const { axis, x, bottom, angle, font, x0, x1, first, last } = layout;
  const all = range(units.count).slice(first, last);
  if (axis === "flat")
    return all.map((unit) => ({ unit, x: x(unit), y: bottom + 20, anchor: "middle", rotate: 0, row: -1 }));
  if (axis === "slant")
    return all.map((unit) => ({
      unit,
      x: x(unit) + 4,
      y: bottom + 14,
      anchor: "end",
      rotate: -angle,
      row: -1,
    }));

  /** @type {[number, number][][]} */
  const rows = [[], []];
  /** @type {Label[]} */
  const labels = [];
  const most = round((x1 - x0) / ROOM);
  const largest = abs(p.net[p.order.find((u) => u >= first && u < last) ?? 0]);
  for (const unit of new Set([...active, ...p.order])) {
    if (labels.length >= most) break;
    if (unit < first || unit >= last) continue;
    const chosen = active.includes(unit);
    if (!chosen && (abs(p.net[unit]) < WEAK * largest || units.names[unit].length < 2)) continue;
    const half = (nameWidth(unit) * font) / 24 + 4;
    const at = clamp(x(unit), x0 + half - 6, x1 - half + 6);
    const row = rows.findIndex((taken) => taken.every(([a, b]) => at - half > b || at + half < a));
    if (row < 0) continue;
    rows[row].push([at - half, at + half]);
    labels.push({ unit, x: at, y: bottom + 21 + row * LINE, anchor: "middle", rotate: 0, row });
  }
  return labels;
};
