/** The same numbers as a table, patch by patch. */
import { formatNumber, formatSigned, layerInSentence } from "../evidence/format.js";
import { foldedTable } from "../views/text/table.js";

/** @typedef {import("./evidence/settings.js").Scene} Scene */

export const tableView = () =>
  foldedTable(
    "Table",
    "the same numbers, for reading and copying",
    (/** @type {Scene} */ { unitEvidence, state }) => [unitEvidence, state.layer],
    ({ unitEvidence: p, units, x, state }) => {
      const b = state.layer ?? 0;
      return {
        caption: `Shares for and against ${p.name}; gradients in units of the score.`,
        columns: ["patch", "supporting", "opposing", "net", `gradients, ${layerInSentence(x, b)}`],
        rows: units.labels.map((label, u) => [
          label,
          formatNumber(p.supporting[u], 3),
          formatNumber(p.opposing[u], 3),
          formatSigned(p.net[u], 3),
          formatSigned(p.r[b][u], 3),
        ]),
      };
    },
    ({ unitEvidence: p, units }) => [
      ["patch", "supporting", "opposing", "net", ...p.r.map((_, b) => `layer_${b}`)],
      ...units.names.map((name, u) => [
        name,
        p.supporting[u],
        p.opposing[u],
        p.net[u],
        ...p.r.map((row) => row[u]),
      ]),
    ],
  );
