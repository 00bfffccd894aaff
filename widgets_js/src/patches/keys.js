/** Keys | what they do. */
export const KEYS = [
  "Tab, Shift Tab|to the next or former part",
  "Arrows, Home, End|on the picture: patches; elsewhere choices",
  "Enter|select a patch; with Shift add it",
  "Space|on the picture: play and pause",
  "Page Up, Page Down|on the picture: the layer",
  "Ctrl Z, Ctrl Shift Z|undo, redo",
  "Escape|clear the selection and the layer; close this",
  "?|this list",
  "Click, Shift click|select a patch, in any part; add it",
  "Drag|over the picture: select a rectangle of patches",
];

/** The same of pictures side by side. */
export const COMPARED = KEYS.filter((line) => !line.startsWith("Space")).map((line) =>
  line
    .replace("on the picture: patches", "on a picture: patches, marked in all")
    .replace("over the picture", "over a picture")
    .replace("on the picture", "on a picture")
    .replace("in any part", "in any picture"),
);
