/** What concerns the whole sheet: undo, redo, share, help, theme. */
import { el, setAttributes, svg, view } from "../../kit/dom.js";
import { icon } from "../../kit/shapes.js";

/** Drawn with a line; redo is undo in the mirror. */
const BACK = "M6 2.5 2.5 6 6 9.5M3 6h6.5a3.8 3.8 0 0 1 0 7.5H6";
const SHEETS = "M5.5 2h8v9M2.5 5h8v9h-8z";
const ASK = "M5.5 5.8a2.5 2.5 0 1 1 3.8 2.1Q8 8.6 8 10M8 12v1.5";
const TICK = "M2.5 8.5 6 12 13.5 4";
const HALF = "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2v12M9.5 3.5v9M11 4.3v7.4M12.5 6v4";

/** @param {import("../../state/actions.js").Actions} actions @param {HTMLElement} help */
export const barView = (actions, help) => {
  /** @param {string} d @param {string} title @param {() => void} click */
  const button = (d, title, click, kind = "") =>
    el(`button.icon.${kind}`, { label: title, title, click }, icon(svg("path", { d })));
  const toggle = (open = help.hidden) => {
    if (!open && help.contains(document.activeElement)) ask.focus();
    help.hidden = !open;
    setAttributes(ask, { "aria-expanded": open });
    if (open) help.focus();
  };
  const undo = button(BACK, "Undo", actions.undo);
  const redo = button(BACK, "Redo", actions.redo, "redo");
  const ask = button(ASK, "Keyboard and mouse", () => toggle());
  const check = button(TICK, "Check this explanation against chance", actions.check);
  const theme = button(HALF, "Theme", actions.nextTheme);
  setAttributes(ask, { "aria-expanded": false, "aria-controls": help.id });
  const root = el(
    "div.bar",
    { role: "toolbar", label: "View" },
    undo,
    redo,
    check,
    button(SHEETS, "Copy the state of this view", actions.share),
    ask,
    theme,
  );
  /** @param {import("../../evidence/scene.js").Scene} scene */
  const draw = ({ state, x }) => {
    setAttributes(check, { hidden: !x.live });
    const can = actions.can();
    // Disabled, a button would drop the focus that it holds.
    setAttributes(undo, { "aria-disabled": !can.undo });
    setAttributes(redo, { "aria-disabled": !can.redo });
    const title = `Theme: ${state.theme}`;
    setAttributes(theme, { label: title, title });
  };
  return Object.assign(view(root, draw), { toggle });
};
