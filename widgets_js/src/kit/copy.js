/** A button that copies numbers as CSV, and says whether it could. */
import { toCsv } from "../wording/csv.js";
import { el, HIDDEN, replaceContent } from "./dom.js";

/** How long the answer stands, in ms. */
const STANDS = 2400;

/** @param {() => (string | number)[][] | null} rows */
export const copyButton = (rows) => {
  const said = el("span", { role: "status" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const click = async () => {
    const found = rows();
    const done = found && (await copied(toCsv(found), root));
    replaceContent(
      said,
      done ? `${found.length - 1} rows copied.` : "Nothing was copied: the browser refused.",
    );
    clearTimeout(timer);
    timer = setTimeout(() => replaceContent(said), STANDS);
  };
  const root = el("div.copy", el("button.icon", { click }, "Copy as CSV"), said);
  return root;
};

/** @param {string} text @param {HTMLElement} root */
async function copied(text, root) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages without a secure origin, and frames without the permission, know the old way only.
    const area = el("textarea.away", HIDDEN);
    area.value = text;
    root.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
