/** What Python is doing, and what went wrong there. */
import { differ, el } from "./dom.js";

/** @param {import("../actions.js").Actions} actions */
export function noticeView(actions) {
  const text = el("span");
  const close = el("button", { type: "button", class: "icon", "aria-label": "Dismiss" }, "×");
  const root = el("div", { class: "notice", role: "status", hidden: true }, text, close);
  const fresh = differ();
  close.addEventListener("click", actions.dismiss);
  return Object.assign(root, {
    /** @param {import("../lib/scene.js").Scene} scene */
    draw({ state, pending, x }) {
      if (!fresh(state.error, state.note, state.busy, pending, state.target)) return;
      const waiting = state.busy || pending;
      root.hidden = !state.error && !state.note && !waiting;
      root.classList.toggle("error", Boolean(state.error));
      close.hidden = !state.error && !state.note;
      text.textContent =
        state.error || state.note || (pending ? `Explaining “${x.labels[state.target]}” …` : waiting ? "Python is at work …" : "");
    },
  });
}
