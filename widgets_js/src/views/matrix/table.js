/** The matrix as a table of its cells, strongest first; a table as wide as the matrix could not be read. */

import { formatNumber, formatSigned, shorten } from "../../evidence/format.js";
import { strongestCells } from "../../evidence/rollout.js";
import { matrixRows } from "../../wording/csv.js";
import { matrixDigits, matrixUnit } from "../../wording/matrix_story.js";
import { foldedTable } from "../text/table.js";

const STRONGEST = 200;

export const matrixTableView = () =>
  foldedTable(
    "Matrix as a table",
    "the copy holds every cell",
    (/** @type {import("../../evidence/matrix.js").Matrix} */ m) => [m.shown],
    (m) => {
      const { labels } = m.scene.units;
      const d = matrixDigits(m);
      const found = m.shown ? strongestCells(m.shown, m.n, STRONGEST) : [];
      return {
        caption: `${m.title}: the ${found.length} strongest of ${m.n * m.n} cells, in ${matrixUnit(m)}.`,
        columns: ["from", "into", "supporting", "opposing", m.scene.state.channel],
        rows: found.map(({ row, column, value }) => {
          const sides = [m.pair?.plus, m.pair?.minus].map((side) =>
            formatNumber(side?.[row * m.n + column] ?? 0, d),
          );
          return [shorten(labels[column], 40), shorten(labels[row], 40), ...sides, formatSigned(value, d)];
        }),
      };
    },
    (m) => m.shown && matrixRows(m.shown, m.scene.units.names, "into \\ from"),
  );
