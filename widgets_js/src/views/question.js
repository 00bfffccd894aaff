/** "Why this class rather than that one?": class picker with probabilities, contrast. */
import { percent, short } from "../lib/format.js";
import { reachable, rest, turnTo } from "../lib/question.js";
import { differ, el, roving, set } from "./dom.js";

/** More classes than this go into a select. */
const MOST = 6;

/** @param {import("../actions.js").Actions} actions */
export function questionView(actions) {
  const group = el("div", { class: "classes", role: "radiogroup", "aria-label": "Class to explain" });
  const more = el("span", { class: "contrast more-classes" });
  const contrast = el("span", { class: "contrast" });
  const root = el("div", { class: "question" }, el("span", { class: "why" }, "Why"), group, more, contrast);
  const fresh = differ();

  roving(group, "[role=radio]", (radio) => radio.click());

  /** @param {import("../lib/scene.js").Scene} scene @param {number[]} classes */
  function buildClasses({ x, state }, classes) {
    group.replaceChildren(
      ...classes.map((c) => {
        const question = turnTo(state, c);
        const closed = !reachable(x, question);
        const button = el(
          "button",
          {
            type: "button",
            role: "radio",
            style: `--p:${x.probs[c] || 0}`,
            "aria-checked": String(c === state.target),
            "aria-disabled": closed && "true",
            tabindex: c === state.target ? 0 : -1,
            title: closed && unanswered(x),
          },
          el("span", { class: "name", dir: "auto" }, short(x.labels[c], 28)),
          " ",
          el("small", {}, percent(x.probs[c])),
        );
        button.addEventListener("click", () => !closed && actions.target(c));
        return button;
      }),
    );
  }

  /** @param {import("../lib/scene.js").Scene} scene @param {number[]} others */
  function buildMore({ x, state }, others) {
    more.replaceChildren();
    if (!others.length) return;
    const select = el("select", { "aria-label": "Other classes", disabled: !x.live });
    if (!x.live) set(select, { title: unanswered(x) });
    select.append(new Option(`${others.length} more`, ""));
    for (const c of others) select.append(new Option(`${short(x.labels[c], 28)} ${percent(x.probs[c])}`, String(c)));
    select.addEventListener("change", () => select.value !== "" && actions.target(Number(select.value)));
    more.append(select);
    void state;
  }

  /** @param {import("../lib/scene.js").Scene} scene */
  function buildContrast({ x, state }) {
    const asks = [null, ...x.labels.keys()].filter((c) => c !== state.target);
    const open = asks.filter((c) => reachable(x, { target: state.target, contrast: c }));
    const name = (/** @type {number | null} */ c) =>
      c === null ? rest(x, state.target) : short(x.labels[c], 28);
    contrast.replaceChildren("rather than ");
    // With two classes the margin already is the contrast: one choice is no choice.
    const settled = open.length < 2 || (x.labels.length === 2 && x.output !== "logit" && state.contrast === null);
    if (settled) {
      contrast.append(el("span", { class: "fixed", dir: "auto" }, name(state.contrast)));
      return;
    }
    const select = el("select", { "aria-label": "Contrast class" });
    for (const c of open) select.append(new Option(name(c), c === null ? "" : String(c), false, c === state.contrast));
    select.addEventListener("change", () => actions.contrast(select.value === "" ? null : Number(select.value)));
    contrast.append(select);
  }

  return Object.assign(root, {
    /** @param {import("../lib/scene.js").Scene} scene */
    draw(scene) {
      const { x, state } = scene;
      if (!fresh(x, state.target, state.contrast)) return;
      const focused = group.contains(document.activeElement);
      const ranked = [...x.labels.keys()].sort((a, b) => x.probs[b] - x.probs[a]);
      const shown = ranked.slice(0, MOST);
      if (!shown.includes(state.target)) shown.splice(MOST - 1, 1, state.target);
      buildClasses(scene, shown);
      buildMore(
        scene,
        ranked.filter((c) => !shown.includes(c)),
      );
      buildContrast(scene);
      if (focused) /** @type {HTMLElement | null} */ (group.querySelector("[aria-checked=true]"))?.focus();
    },
  });
}

/** @param {import("../lib/wire.js").Explanation} x */
const unanswered = (x) =>
  `Only “${x.labels[x.target]}” was explained here; another class needs a running kernel.`;
