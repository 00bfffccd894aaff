/** What Python is doing, and what went wrong there. */
import { shortenLabel } from "../../evidence/format.js";
import { createChangeTest, el, replaceContent, toggleClass, view } from "../../kit/dom.js";

/** @param {import("../../state/actions.js").Actions} actions */
export const noticeView = (actions) => {
  const text = el("span");
  const close = el("button.icon", { label: "Dismiss", click: actions.dismiss }, "×");
  const root = el("div.notice", { role: "status", hidden: true }, text, close);
  const fresh = createChangeTest();
  return view(root, (/** @type {import("../../evidence/scene.js").Scene} */ { state, pending, x }) => {
    const { error, note, busy, target } = state;
    if (!fresh(error, note, busy, pending, target)) return;
    const said = error || note;
    const waits = pending
      ? `Explaining “${shortenLabel(x.labels[target])}” …`
      : busy && "Python is at work …";
    root.hidden = !said && !waits;
    toggleClass(root, "error", error);
    close.hidden = !said;
    replaceContent(text, said || waits);
  });
};
