/** "Why this class rather than that one?": class picker with probabilities, contrast. */
import { fill, sentences, sizes } from "../../evidence/design.js";
import { shorten, shortenLabel, wholeName } from "../../evidence/format.js";
import { range } from "../../evidence/maths.js";
import { isReachable, restName, turnQuestion } from "../../evidence/question.js";
import { radio, radioGroup, setChecked } from "../../kit/choice.js";
import { createChangeTest, el, replaceContent, view } from "../../kit/dom.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */

const TOLD = sentences.question;
/** More classes than this go into a select. */
const { MOST, NAME } = sizes.question;

/** @param {import("../../state/actions.js").Actions} actions */
export const questionView = (actions) => {
  const group = radioGroup("div.classes", "Class to explain");
  const more = el("span.contrast.more-classes");
  const contrast = el("span.contrast");
  const fresh = createChangeTest();

  /**
   * @param {string} label @param {[string, number | null][]} options @param {number | null} at
   * @param {(c: number | null) => void} choose @param {any} [attributes]
   */
  const select = (label, options, at, choose, attributes) => {
    const change = () => choose(options[node.selectedIndex][1]);
    const node = el(
      "select",
      { label, change, ...attributes },
      ...options.map(([text, c]) => new Option(text, `${c ?? ""}`, false, c === at)),
    );
    return node;
  };

  /** @param {Scene} scene @param {number} c */
  const button = ({ x, state }, c) => {
    const closed = !isReachable(x, turnQuestion(state, c));
    const node = radio("", () => closed || actions.target(c), {
      style: `--p:${(x.classes !== "measured" && x.probs[c]) || 0}`,
      "aria-disabled": closed,
      title: [wholeName(x.labels[c], NAME), closed && unanswered(x)].filter(Boolean).join("\n") || null,
    });
    replaceContent(
      node,
      el("span.name", { dir: "auto" }, shorten(x.labels[c], NAME)),
      " ",
      el("small", x.said[c]),
    );
    return setChecked(node, c === state.target);
  };

  /** @param {Scene} scene @returns {import("../../kit/dom.js").Child} */
  const against = ({ x, state }) => {
    const asks = [null, ...x.labels.keys()].filter((c) => c !== state.target);
    const open = asks.filter((c) => isReachable(x, { target: state.target, contrast: c }));
    /** @param {number | null} c */
    const name = (c) => (c === null ? restName(x, state.target) : shorten(x.labels[c], NAME));
    // With two classes the margin already is the contrast: one choice is no choice.
    const settled =
      open.length < 2 ||
      (x.classes === "exclusive" && x.labels.length === 2 && x.output !== "logit" && state.contrast === null);
    return settled
      ? el("span.fixed", { dir: "auto" }, name(state.contrast))
      : select(
          "Contrast class",
          open.map((c) => [name(c), c]),
          state.contrast,
          actions.contrast,
        );
  };

  return view(
    el("div.question", el("span.why", TOLD.why), group, more, contrast),
    (/** @type {Scene} */ scene) => {
      const { x, state } = scene;
      if (!fresh(x, state.target, state.contrast)) return;
      const focused = group.contains(document.activeElement);
      const ranked = range(x.labels.length).sort((a, b) => x.probs[b] - x.probs[a]);
      const shown = ranked.slice(0, MOST);
      if (!shown.includes(state.target)) shown.splice(MOST - 1, 1, state.target);
      const others = ranked.filter((c) => !shown.includes(c));
      replaceContent(group, ...shown.map((c) => button(scene, c)));
      replaceContent(
        more,
        others.length > 0 &&
          select(
            "Other classes",
            [
              [fill(TOLD.more, { count: others.length }), null],
              ...others.map(
                (c) => /** @type {[string, number]} */ ([`${shorten(x.labels[c], NAME)} ${x.said[c]}`, c]),
              ),
            ],
            null,
            (c) => c !== null && actions.target(c),
            !x.live && { disabled: true, title: unanswered(x) },
          ),
      );
      replaceContent(contrast, fill(TOLD.rather, { contrast: "" }), against(scene));
      if (focused) /** @type {HTMLElement | null} */ (group.querySelector("[aria-checked=true]"))?.focus();
    },
  );
};

/** @param {import("../../evidence/wire.js").Explanation} x */
const unanswered = (x) =>
  `Only “${shortenLabel(x.labels[x.target])}” was explained here; another class needs a running kernel.`;
