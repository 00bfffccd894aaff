/** One of a few is chosen. */
import { el, replaceContent, setAttributes, view } from "./dom.js";
import { moveFocusByArrows } from "./input.js";

/** @typedef {import("./dom.js").Attributes} Attributes */

/**
 * A choice of one among few.
 * @param {string} kind @param {string} label @param {(member: HTMLElement) => void} [onMove]
 */
export const radioGroup = (kind, label, onMove = (radio) => radio.click()) => {
  const group = el(kind, { role: "radiogroup", label });
  moveFocusByArrows(group, "[role=radio]", onMove);
  return group;
};

/** @param {string} text @param {() => void} click @param {Attributes} [attributes] */
export const radio = (text, click, attributes = {}) =>
  el("button", { role: "radio", click, ...attributes }, text);

/** @param {Element} one @param {boolean} on @param {boolean} [stop] where the tabulator stops */
export const setChecked = (one, on, stop = on) =>
  setAttributes(one, { "aria-checked": on, tabindex: stop ? 0 : -1 });

/**
 * A few words of which one is chosen.
 * @template {string} O @param {string} label @param {readonly O[]} options
 * @param {(option: O, at: number) => void} choose
 */
export const choice = (label, options, choose) => {
  const group = radioGroup("div.segments", label);
  replaceContent(group, ...options.map((option, i) => radio(option, () => choose(option, i))));
  return view(group, (/** @type {number} */ at) => {
    for (const [i, one] of [...group.children].entries()) setChecked(one, i === at);
  });
};
