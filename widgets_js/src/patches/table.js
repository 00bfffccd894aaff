/** The same numbers as a table, patch by patch. */
import { layerIn, number, signed } from "../evidence/format.js";
import { foldedTable } from "../views/text/table.js";

/** @typedef {import("./evidence/settings.js").Scene} Scene */

export const tableView = () =>
  foldedTable(
    "Table",
    "the same numbers, for reading and copying",
    (/** @type {Scene} */ { picture, state }) => [picture, state.layer],
    ({ picture: p, units, x, state }) => {
      const b = state.layer ?? 0;
      return {
        caption: `Shares for and against ${p.name}; gradients in units of the score.`,
        columns: ["patch", "supporting", "opposing", "net", `gradients, ${layerIn(x, b)}`],
        rows: units.labels.map((label, u) => [
          label,
          number(p.supporting[u], 3),
          number(p.opposing[u], 3),
          signed(p.net[u], 3),
          signed(p.r[b][u], 3),
        ]),
      };
    },
    ({ picture: p, units }) => [
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
