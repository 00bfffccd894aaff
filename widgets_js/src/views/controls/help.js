/** The keyboard and the mouse, listed. */
import { el, uniqueId } from "../../kit/dom.js";

/** Keys | what they do. */
export const KEYS = [
  "Tab, Shift Tab|to the next or former part",
  "Arrows, Home, End|inside a part: words, layers, choices",
  "Enter|select a word; with Shift add it, up to four",
  "Space|in the flow: play and pause",
  "Page Up, Page Down|in the matrix: the layer",
  "Ctrl Home, Ctrl End|there: the ends of a column",
  "+ −|in flow, map or matrix: nearer, farther; 0 shows all",
  "Ctrl Z, Ctrl Shift Z|undo, redo",
  "Escape|clear the selection and the layer; close this",
  "?|this list",
  "Click, Shift click|select a word, in any part; add it",
  "Double click, Ctrl wheel|in the flow: zoom",
  "Drag|on the map of a long text: choose what is in sight",
];

/** @param {string[]} keys */
export const helpView = (keys) => {
  const rows = keys.map((line) => {
    const [keys, does] = line.split("|");
    return el("div", el("dt", keys), el("dd", does));
  });
  return el(
    "div.help",
    { id: uniqueId(), role: "region", label: "Keyboard and mouse", tabindex: -1, hidden: true },
    el("dl", ...rows),
  );
};
