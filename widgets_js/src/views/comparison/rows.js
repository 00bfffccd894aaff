/** The difference: for each row the evidence of all explanations on one axis, strongest difference first. */

import { NOTHING } from "../../evidence/comparison.js";
import { sentences, sizes } from "../../evidence/design.js";
import { formatNumber, formatSigned } from "../../evidence/format.js";
import { max } from "../../evidence/maths.js";
import { createChangeTest, el, replaceContent, setAttributes, view } from "../../kit/dom.js";
import { listenToUnits, markUnits, moveFocusByArrows, unitOfNode } from "../../kit/input.js";
import { cell, row, scrollBox } from "../../kit/rows.js";

/** @typedef {import("../../evidence/comparison.js").Compared} Compared */

const TOLD = sentences.comparison;
/** So many rows are shown until all are asked for. */
const { FEW } = sizes.comparison;

/** @param {import("../../state/actions.js").Actions} actions */
export const differenceView = (actions) => {
  const body = listenToUnits(el("tbody"), actions);
  const head = el("tr");
  let all = false;
  let redraw = () => {};
  const more = el("button.icon", {
    click() {
      all = !all;
      redraw();
    },
  });
  const name = TOLD.title;
  const root = el(
    "div.difference",
    el("div.head", el("b", name), el("span", TOLD.note)),
    scrollBox(name, el("table", el("thead", head), body)),
    more,
  );
  const fresh = createChangeTest();
  moveFocusByArrows(body, "button", (button) => actions.hover(unitOfNode(button)));

  /** @param {number | null} value @param {number} most @param {number} d */
  const bar = (value, most, d) => {
    const share = (value ?? 0) / most;
    const style = `--up:${max(0, share)};--down:${max(0, -share)}`;
    return el(
      "td",
      el("span.both", { style }, el("i.opp"), el("i.sup")),
      el("small", value === null ? NOTHING : formatSigned(value, d)),
    );
  };

  /** @param {Compared} now */
  const draw = (now) => {
    redraw = () => draw(now);
    const { sides, values, changes, order, most, places: d, units, state, selected } = now;
    const shown = all ? order : order.slice(0, FEW);
    if (fresh(units, state.lam, state.layer, all, String(shown), changes.map((d) => d.toFixed(4)).join())) {
      const two = sides.length === 2;
      replaceContent(
        head,
        ...[state.granularity, ...sides.map((s) => s.name), two ? TOLD.difference : TOLD.spread_head].map(
          (t) => cell("th", t, "col"),
        ),
      );
      replaceContent(
        body,
        ...shown.map((n, i) =>
          row(
            { "data-unit": n },
            el(
              "th",
              { scope: "row" },
              el("button.word", { "data-unit": n, tabindex: i ? -1 : 0, dir: "auto" }, units.labels[n]),
            ),
            ...values[n].map((v) => bar(v, most, d)),
            el("td", el("b", two ? formatSigned(changes[n], d) : formatNumber(changes[n], d))),
          ),
        ),
      );
      more.hidden = order.length <= FEW;
      replaceContent(more, all ? "Show the strongest only" : `Show all ${order.length}`);
    }
    markUnits(body.children, now);
    for (const button of body.querySelectorAll("button"))
      setAttributes(button, {
        "aria-pressed": selected.includes(/** @type {number} */ (unitOfNode(button))),
      });
  };
  return view(root, draw);
};
