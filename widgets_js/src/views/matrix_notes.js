/** Beside the matrix: what is shown, its scale, how to read it, the strongest links, single heads. */
import { limitOf } from "../lib/rollout.js";
import { MINUS, layerName, number, short, signed } from "../lib/format.js";
import { digitsOf, strongestLinks, unitOf } from "../lib/matrix_story.js";
import { differ, el, roving, set } from "./dom.js";
import { paintScale } from "./matrix_paint.js";
import { palette } from "./palette.js";
import { thumbs } from "./thumbs.js";

/** @typedef {import("../lib/matrix.js").Matrix} Matrix */

const LINKS = 6;
const SCALE = { width: 96, height: 9 };

/** @param {import("../actions.js").Actions} actions */
export function matrixNotes(actions) {
  const { matrix } = actions;
  const channel = choice("Channel", ["net", "supporting", "opposing"], (channel) => matrix.set({ channel }));
  const scope = choice("Scope", ["up to this layer", "this layer alone"], (_, i) => matrix.set({ alone: i === 1, head: null }));
  const residual = el("input", { type: "checkbox" });
  residual.addEventListener("change", () => matrix.set({ residual: residual.checked }));
  const own = el("label", { class: "check" }, residual, "residual diagonal");
  const [low, high] = [el("span", { class: "opposes" }), el("span", { class: "supports" })];
  const bar = el("canvas", { ...SCALE, "aria-hidden": true });
  const probe = el("i", { hidden: true });
  const scale = el("div", { class: "scale" }, low, bar, high, probe);
  const text = el("p", { class: "how" });
  const links = linksView(actions);
  const heads = headsView(actions);
  const root = el("div", { class: "notes" }, el("div", { class: "tool" }, channel), el("div", { class: "tool" }, scope), own, scale, text, links, heads);
  const rescaled = differ();
  const reworded = differ();

  return Object.assign(root, {
    /** @param {Matrix} m @param {number} theme */
    draw(m, theme) {
      const { state, picture: p, x } = m.scene;
      channel.check(["net", "supporting", "opposing"].indexOf(state.channel));
      scope.check(m.alone ? 1 : 0);
      const cancels = state.channel === "net" || m.alone;
      residual.checked = state.residual && !cancels;
      set(residual, { disabled: cancels });
      set(own, { title: cancels ? "It cancels in net, and one layer alone has none" : "What each position brought along" });
      if (rescaled(m.limit, m.knee, theme, p.name, unitOf(m))) {
        paintScale(bar, m, palette(probe));
        const most = number(m.limit, digitsOf(m));
        low.textContent = `${MINUS}${most} opposes`;
        high.textContent = `supports ${most}`;
      }
      if (reworded(m.title, m.beyond, state.residual, unitOf(m), x)) text.textContent = how(m);
      links.draw(m);
      heads.draw(m, theme);
    },
  });
}

/** @param {Matrix} m */
function how(m) {
  const column = `Column: the ${m.scene.state.granularity} that gives. Row: the position that receives. `;
  const sum =
    m.head !== null
      ? "A ⊙ ∂f/∂A, in units of the score; the mean over the heads is fused."
      : m.alone
        ? "What this layer adds, in shares."
        : "In shares; the sums below are the words’ evidence after this layer.";
  const beyond = m.beyond ? ` ${m.beyond} cell${m.beyond === 1 ? " is" : "s are"} beyond the scale: marked + or ${MINUS} where there is room.` : "";
  return column + sum + beyond;
}

/**
 * A few words of which one is chosen.
 * @param {string} name @param {string[]} options @param {(option: any, index: number) => void} choose
 */
function choice(name, options, choose) {
  const group = el("div", { class: "segments", role: "radiogroup", "aria-label": name });
  options.forEach((option, i) => {
    const radio = el("button", { type: "button", role: "radio" }, option);
    radio.addEventListener("click", () => choose(option, i));
    group.append(radio);
  });
  roving(group, "[role=radio]", (radio) => radio.click());
  return Object.assign(group, {
    /** @param {number} at */
    check: (at) =>
      [...group.children].forEach((radio, i) => set(radio, { "aria-checked": String(i === at), tabindex: i === at ? 0 : -1 })),
  });
}

/** The strongest links; those of a selected word are exact while the matrix is still on its way. @param {import("../actions.js").Actions} actions */
function linksView(actions) {
  const head = el("b");
  const list = el("ol", { class: "links" });
  const root = el("div", {}, head, list);
  const fresh = differ();
  return Object.assign(root, {
    /** @param {Matrix} m */
    draw(m) {
      const { selected, units, exact, state, signals, fusion } = m.scene;
      const unit = selected.length === 1 ? selected[0] : null;
      // While λ is dragged a long input has no time for this.
      if (state.dragging && m.late) return;
      if (!fresh(m.shown, unit, exact, signals, fusion, m.b, m.title)) return;
      const found = unit === null || !exact ? strongestLinks(m, LINKS) : around(m, unit);
      head.textContent = unit === null ? "Strongest links" : `Links of ${short(units.labels[unit], 20)}`;
      root.hidden = !found.length;
      list.replaceChildren(
        ...found.map(({ row, column, value }) => {
          const name = (/** @type {number} */ u) => el("bdi", {}, short(units.labels[u], 14));
          const kind = value < 0 ? "opposes" : "supports";
          const button = el("button", { type: "button" }, el("span", {}, name(column), " → ", name(row)), el("span", { class: kind }, signed(value, digitsOf(m))));
          button.addEventListener("click", () => actions.matrix.pin([row, column]));
          button.addEventListener("pointerenter", () => actions.matrix.point([row, column]));
          button.addEventListener("pointerleave", () => actions.matrix.point(null));
          return el("li", {}, button);
        }),
      );
    },
  });
}

/** @param {Matrix} m @param {number} unit */
function around(m, unit) {
  const { given, taken } = m.links(unit);
  const found = [
    ...given.map((value, row) => ({ row, column: unit, value })),
    ...taken.map((value, column) => ({ row: unit, column, value })),
  ];
  return found
    .filter(({ row, column, value }) => row !== column && value)
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, LINKS);
}

/** @param {import("../actions.js").Actions} actions */
function headsView(actions) {
  const button = el("button", { type: "button", class: "icon" });
  const reason = el("p", { class: "how" });
  const { matrix } = actions;
  let chosen = /** @type {number | null} */ (null);
  const grid = thumbs("Head", "heads", (head) => matrix.set({ head: head === chosen ? null : head }));
  const root = el("div", { class: "single" }, button, reason, grid);
  const fresh = differ();
  /** @type {{values: Float32Array, n: number}[]} */
  let pictures = [];
  let limit = 1;
  button.addEventListener("click", () => matrix.set({ heads: button.ariaExpanded !== "true", head: null }));
  return Object.assign(root, {
    /** @param {Matrix} m @param {number} theme */
    draw(m, theme) {
      const { state, x, rtl, picture: p } = m.scene;
      chosen = state.head;
      const open = (state.heads || state.head !== null) && !x.noHeads;
      const { heads = null, reason: why = "" } = m.heads ?? {};
      const refused = x.noHeads || why;
      set(button, { "aria-expanded": String(open), disabled: Boolean(refused) });
      button.textContent = `${open ? "Hide" : "Show"} the heads of ${layerName(m.b, x.weights.length).toLowerCase()}`;
      reason.textContent = refused || (open && !heads ? "Python is working them out …" : "");
      reason.hidden = !reason.textContent;
      grid.hidden = !open || !heads;
      if (!open || !heads) return;
      if (fresh(heads, p.sign)) {
        pictures = heads.map((values) => ({ values: p.sign < 0 ? values.map((v) => -v) : values, n: x.tokens.length }));
        limit = Math.max(...pictures.map(({ values }) => limitOf(values)));
      }
      const labels = heads.map((_, h) => String(h));
      grid.draw(pictures, { names: labels.map((h) => `Head ${h}`), labels, at: state.head, limit, rtl, theme });
    },
  });
}
