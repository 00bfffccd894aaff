/**
 * The text as words that can be pointed at.  Pieces of one word share a wrapper and stay inline, so
 * that letters still join.
 */
import { isRightToLeft } from "../../evidence/format.js";
import { max } from "../../evidence/maths.js";
import { stripBrackets } from "../../evidence/units.js";
import { el, replaceContent } from "../../kit/dom.js";

/**
 * Tokens that belong to a stretch which reads against the text: words are boxes to the browser, which
 * would set such a stretch in the wrong order.  What has no direction goes with both its neighbours, or not.
 * @param {import("../../evidence/scene.js").Scene} scene
 */
const turns = ({ x, rtl }) => {
  const own = x.tokens.map((token, t) => {
    const found = x.special[t] ? "" : x.text.slice(...x.offsets[t]) || token;
    return x.special[t] ? false : /\p{L}/u.test(found) ? isRightToLeft(found) !== rtl : null;
  });
  const after = own.map((_, t) => own.slice(t, t + 9).find((o) => o !== null) ?? false);
  let before = false;
  return own.map((o, t) => (before = o ?? (before && after[t])));
};

/**
 * @param {HTMLElement} text is filled @param {import("../../evidence/scene.js").Scene} scene
 * @returns {HTMLElement[]} its words
 */
export const renderWords = (text, scene) => {
  const { x, units, state, rtl } = scene;
  replaceContent(text);
  /** @type {HTMLElement[]} */
  const words = [];
  let end = 0;
  const turned = turns(scene);
  /** Where words go: the text, the second of two, or a stretch of either that reads the other way. */
  let into = text;
  /** @type {HTMLElement | undefined} */
  let second;
  /** @param {number} t @param {string} content @param {string} kind */
  const word = (t, content, kind) => {
    const node = el(
      `span.w.${kind}`,
      { role: "option", tabindex: words.length ? -1 : 0, "aria-selected": false, "data-unit": units.of[t] },
      content,
    );
    words.push(node);
    return node;
  };
  /** @param {number} t @param {number} last */
  const content = (t, last) => {
    const [from, to] = [x.offsets[t][0], x.offsets[last][1]];
    const space = from > end ? x.text.slice(end, from) : "";
    const isSecond = x.second?.[t];
    if (isSecond) second ??= text.appendChild(el("span.second", { role: "group", label: "second text" }));
    const home = (isSecond && second) || text;
    if (!turned[t] || into === text) into = home;
    if (space) into.append(space);
    if (turned[t] && into === home) into = home.appendChild(el("span", { dir: rtl ? "ltr" : "rtl" }));
    const found = x.text.slice(max(from, end), to) || x.tokens[t];
    end = max(end, to);
    return found;
  };
  /**
   * What must not be parted from the node before it by a new line.
   * @param {Node | string} node @param {Node | string} [space]
   */
  const glue = (node, space = "") => {
    const before = into.lastChild;
    if (!(before instanceof HTMLElement) || before.dir) into.append(space, node);
    else if (before.classList.contains("glued")) before.append(space, node);
    else into.append(el("span.glued", before, space, node));
  };
  /**
   * A mark that follows its word, also after a space, must not start a line.
   * @param {HTMLElement} node @param {number} t
   */
  const place = (node, t) => {
    const mark = node.textContent ?? "";
    const space = into.lastChild;
    const word = space?.previousSibling;
    if (t && x.offsets[t][0] === x.offsets[t - 1][1] && /^[\p{Pe}\p{Pf}\p{Po}]/u.test(mark)) glue(node);
    // A long word must stay breakable.
    else if (
      space?.textContent === " " &&
      word instanceof HTMLElement &&
      (word.textContent ?? "").length < 20 &&
      /^[\p{Pe}\p{Pf}\p{Po}]+$/u.test(mark)
    ) {
      space.remove();
      glue(node, " ");
    } else into.append(node);
  };
  const [from, to] = state.span ?? [0, x.tokens.length - 1];
  if (from) text.append("… ");
  for (let t = from; t <= to; t++) {
    if (x.special[t]) {
      into = text;
      const chip = word(t, stripBrackets(x.tokens[t]), "chip");
      // A chip at the end must not stand on a line of its own; a long word must stay breakable.
      if (t === to && (text.lastChild?.textContent ?? "").length < 20) glue(chip, " ");
      else text.append(" ", chip, " ");
      continue;
    }
    if (t === from) end = x.offsets[t][0];
    // A passage, and the second of two texts, starts a line of its own.
    else if (
      (units.granularity === "passage" && units.of[t] !== units.of[t - 1]) ||
      x.text.slice(end, x.offsets[t][0]).includes("\n")
    )
      into.append(el("span.break"));
    let last = t;
    while (last < to && x.wordIds[t] >= 0 && x.wordIds[last + 1] === x.wordIds[t]) last++;
    if (units.granularity !== "token" || last === t)
      // The bars of one sentence join up across its spaces, where there are any.
      place(
        word(
          t,
          content(t, last),
          units.of[last + 1] === units.of[t] && x.offsets[last + 1][0] > x.offsets[last][1] ? "" : "last",
        ),
        t,
      );
    else {
      const whole = el("span.whole");
      for (let k = t; k <= last; k++) whole.append(word(k, content(k, k), k === t ? "piece.first" : "piece"));
      place(whole, t);
    }
    t = last;
  }
  if (to < x.tokens.length - 1) text.append(" …");
  return words;
};
