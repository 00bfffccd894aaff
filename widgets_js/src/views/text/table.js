/** The same numbers as a table, for reading, listening and copying. */

import { formatNumber, formatSigned, layerInSentence, shorten } from "../../evidence/format.js";
import { copyButton } from "../../kit/copy.js";
import { createChangeTest, el, replaceContent, setAttributes, view } from "../../kit/dom.js";
import { cell, row, scrollBox } from "../../kit/rows.js";
import { evidenceRows } from "../../wording/csv.js";

/**
 * A folded table of anything; it is filled when it is opened.
 * @template D what is drawn
 * @param {string} name
 * @param {string} note
 * @param {(now: D) => unknown[]} key changes when the rows do
 * @param {(now: D) => {caption: string, columns: string[], rows: string[][]}}
 *   fill the first of a row names it
 * @param {(now: D) => (string | number)[][] | null} copy
 */
export const foldedTable = (name, note, key, fill, copy) => {
  const body = scrollBox(name);
  const root = el(
    "details.more",
    el("summary", name, el("small", note)),
    body,
    copyButton(() => (now ? copy(now) : null)),
  );
  const fresh = createChangeTest();
  /** @type {D | undefined} */
  let now;
  const build = () => {
    if (!root.open || !now || !fresh(...key(now))) return;
    const { caption, columns, rows } = fill(now);
    replaceContent(
      body,
      el(
        "table",
        el("caption", caption),
        el("thead", row(...columns.map((c) => cell("th", c, "col")))),
        el(
          "tbody",
          ...rows.map(([first, ...rest]) => row(cell("th", first, "row"), ...rest.map((v) => cell("td", v)))),
        ),
      ),
    );
  };
  setAttributes(root, { toggle: build });
  return view(root, (/** @type {D} */ next) => {
    now = next;
    build();
  });
};

export const tableView = () =>
  foldedTable(
    "Table",
    "the same numbers, for reading and copying",
    (/** @type {import("../../evidence/scene.js").Scene} */ { unitEvidence, state }) => [
      unitEvidence,
      state.layer,
    ],
    ({ unitEvidence: p, units, x, state }) => {
      const b = state.layer ?? 0;
      return {
        caption: `Shares for and against ${p.name}; gradients in units of the score.`,
        columns: [state.granularity, "supporting", "opposing", "net", `gradients, ${layerInSentence(x, b)}`],
        rows: units.labels.map((label, u) => [
          shorten(label, 60),
          formatNumber(p.supporting[u], 3),
          formatNumber(p.opposing[u], 3),
          formatSigned(p.net[u], 3),
          formatSigned(p.r[b][u], 3),
        ]),
      };
    },
    evidenceRows,
  );
