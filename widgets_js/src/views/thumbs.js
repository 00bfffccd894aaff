/** A row of small matrices of which one is chosen: the layers of the film, the heads of a layer. */
import { differ, el, roving, set } from "./dom.js";
import { paintThumb } from "./matrix_paint.js";
import { palette } from "./palette.js";

/** Side of a thumbnail, px. */
const SIDE = 46;

/**
 * @param {string} name of the group
 * @param {string} kind its class
 * @param {(index: number) => void} choose
 */
export function thumbs(name, kind, choose) {
  const root = el("div", { class: `thumbs ${kind}`, role: "radiogroup", "aria-label": name });
  const probe = el("i", { hidden: true });
  const rebuilt = differ();
  const repaint = differ();
  /** @type {HTMLButtonElement[]} */
  let buttons = [];
  roving(root, "[role=radio]", (button) => button.click());

  /** @param {string[]} names @param {string[]} labels */
  function build(names, labels) {
    buttons = labels.map((label, i) => {
      const canvas = el("canvas", { "aria-hidden": true });
      const button = el("button", { type: "button", role: "radio", "aria-label": names[i] }, canvas, el("span", {}, label));
      button.addEventListener("click", () => choose(i));
      return button;
    });
    root.replaceChildren(probe, ...buttons);
  }

  return Object.assign(root, {
    /**
     * @param {{values: Float32Array, n: number}[]} pictures
     * @param {{names: string[], labels: string[], at: number | null, limit: number, rtl: boolean, theme: number}} options
     */
    draw(pictures, { names, labels, at, limit, rtl, theme }) {
      if (rebuilt(names.join(), labels.join())) build(names, labels);
      if (repaint(pictures, limit, rtl, theme)) {
        const colours = palette(probe);
        const ratio = Math.min(3, window.devicePixelRatio || 1);
        buttons.forEach((button, i) => {
          const canvas = /** @type {HTMLCanvasElement} */ (button.firstChild);
          canvas.width = canvas.height = Math.round(SIDE * ratio);
          if (pictures[i]) paintThumb(canvas, pictures[i], limit, colours, rtl);
        });
      }
      buttons.forEach((button, i) => {
        const on = i === at;
        // The film follows the layer while it plays; only its own strip scrolls.
        if (on && button.getAttribute("aria-checked") !== "true") follow(root, button);
        set(button, { "aria-checked": String(on), tabindex: on || (at === null && i === 0) ? 0 : -1 });
      });
    },
  });
}

/** @param {HTMLElement} root @param {HTMLElement} button */
function follow(root, button) {
  root.scrollLeft = button.offsetLeft - root.clientWidth / 2 + button.offsetWidth / 2;
  root.scrollTop = button.offsetTop - root.clientHeight / 2 + button.offsetHeight / 2;
}
