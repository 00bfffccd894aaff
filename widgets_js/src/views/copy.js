/** A button that copies numbers as CSV, and says whether it could. */
import { csv } from "../lib/csv.js";
import { el } from "./dom.js";

/** How long the answer stands, in ms. */
const STANDS = 2400;

/** @param {() => (string | number)[][] | null} rows */
export function copyButton(rows) {
  const button = el("button", { type: "button", class: "icon" }, "Copy as CSV");
  const said = el("span", { role: "status" });
  const root = el("div", { class: "copy" }, button, said);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  button.addEventListener("click", async () => {
    const found = rows();
    const done = found && (await copied(csv(found), root));
    said.textContent = done ? `${/** @type {any[]} */ (found).length - 1} rows copied.` : "Nothing was copied: the browser refused.";
    clearTimeout(timer);
    timer = setTimeout(() => (said.textContent = ""), STANDS);
  });
  return root;
}

/** @param {string} text @param {HTMLElement} root */
async function copied(text, root) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages without a secure origin, and frames without the permission, know the old way only.
    const area = el("textarea", { "aria-hidden": true, class: "away" });
    area.value = text;
    root.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
