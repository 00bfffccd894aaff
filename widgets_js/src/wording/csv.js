/** Numbers as text that a spreadsheet reads. */

/** @param {string | number} value */
const field = (value) => {
  if (typeof value === "number") return Number.isFinite(value) ? String(Number(value.toPrecision(7))) : "";
  // A leading = + - @ would be taken for a formula: a token is whatever the user's input held.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** @param {(string | number)[][]} rows */
export const toCsv = (rows) => `${rows.map((row) => row.map(field).join(",")).join("\n")}\n`;

/**
 * Every unit with its evidence and its relevance at every layer.
 * @param {import("../evidence/scene.js").Scene} scene
 */
export const evidenceRows = ({ units, unitEvidence: p, state }) => {
  const head = [state.granularity, "supporting", "opposing", "net", ...p.r.map((_, b) => `layer_${b}`)];
  return [
    head,
    ...units.names.map((name, u) => [
      name,
      p.supporting[u],
      p.opposing[u],
      p.net[u],
      ...p.r.map((row) => row[u]),
    ]),
  ];
};

/**
 * Every cell of a matrix: rows receive, columns give.
 * @param {ArrayLike<number>} values @param {string[]} names @param {string} corner
 */
export const matrixRows = (values, names, corner) => {
  const n = names.length;
  return [[corner, ...names], ...names.map((name, i) => [name, ...names.map((_, j) => values[i * n + j])])];
};
