/** Rows and cells of the tables. */
import { el } from "./dom.js";

/** @typedef {import("./dom.js").Child} Child */

/**
 * Text of either direction keeps to its cell.
 * @param {"th" | "td"} kind @param {Child} content @param {string} [scope]
 */
export const cell = (kind, content, scope) => el(kind, { scope }, el("bdi", content));

/** @param {(import("./dom.js").Attributes | Child)[]} rest */
export const row = (...rest) => el("tr", ...rest);

/**
 * A table in a box that scrolls, and that the keyboard reaches.
 * @param {string} name @param {Child[]} children
 */
export const scrollBox = (name, ...children) =>
  el("div.table", { tabindex: 0, role: "region", label: name }, ...children);
