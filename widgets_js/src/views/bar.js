/** What concerns the whole sheet: undo, redo, share, help, theme. */
import { el, set, svg } from "./dom.js";

/** Drawn with a line; redo is undo in the mirror. */
const ICONS = {
  undo: "M6 2.500 2.500 6 6 9.500M3 6h6.500a3.800 3.800 0 0 1 0 7.500H6",
  share: "M5.500 2h8v9M2.500 5h8v9h-8z",
  help: "M5.500 5.800a2.500 2.500 0 1 1 3.800 2.100Q8 8.600 8 10M8 12v1.500",
  theme: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2v12M9.500 3.500v9M11 4.300v7.400M12.500 6v4",
};

/** @param {import("../actions.js").Actions} actions @param {HTMLElement} help */
export function barView(actions, help) {
  /** @param {keyof typeof ICONS} icon @param {string} name @param {() => void} act @param {string} [kind] */
  const button = (icon, name, act, kind = "") => {
    const node = el(
      "button",
      { type: "button", class: `icon ${kind}`, "aria-label": name, title: name },
      svg("svg", { viewBox: "0 0 16 16", "aria-hidden": true }, svg("path", { d: ICONS[icon] })),
    );
    node.addEventListener("click", act);
    return node;
  };
  const undo = button("undo", "Undo", actions.undo);
  const redo = button("undo", "Redo", actions.redo, "redo");
  const share = button("share", "Copy the state of this view", actions.share);
  const ask = button("help", "Keyboard and mouse", () => toggle());
  const theme = button("theme", "Theme", actions.nextTheme);
  const toggle = (open = help.hidden) => {
    if (!open && help.contains(document.activeElement)) ask.focus();
    help.hidden = !open;
    set(ask, { "aria-expanded": String(open) });
    if (open) help.focus();
  };
  set(ask, { "aria-expanded": "false", "aria-controls": help.id });
  return Object.assign(el("div", { class: "bar", role: "toolbar", "aria-label": "View" }, undo, redo, share, ask, theme), {
    toggle,
    /** @param {import("../lib/scene.js").Scene} scene */
    draw({ state }) {
      const can = actions.can();
      // Disabled, a button would drop the focus that it holds.
      set(undo, { "aria-disabled": String(!can.undo) });
      set(redo, { "aria-disabled": String(!can.redo) });
      set(theme, { "aria-label": `Theme: ${state.theme}`, title: `Theme: ${state.theme}` });
    },
  });
}
