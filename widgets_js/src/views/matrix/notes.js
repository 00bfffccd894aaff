/** Beside the matrix: what is shown, its scale, how to read it, the strongest links, single heads. */
import { fill, sentences, sizes } from "../../evidence/design.js";
import { formatNumber, formatSigned, layerInSentence, shorten } from "../../evidence/format.js";
import { abs, largestSize, max } from "../../evidence/maths.js";
import { scaleLimit } from "../../evidence/rollout.js";
import { CHANNELS } from "../../evidence/settings.js";
import { choice } from "../../kit/choice.js";
import {
  colourProbe,
  createChangeTest,
  el,
  HIDDEN,
  replaceContent,
  setAttributes,
  view,
} from "../../kit/dom.js";
import { readPalette } from "../../kit/palette.js";
import { stanceClass } from "../../kit/shapes.js";
import {
  largestSum,
  matrixDigits,
  matrixUnit,
  readingNote,
  strongestLinks,
} from "../../wording/matrix_story.js";
import { paintScale } from "./paint.js";
import { thumbsView } from "./thumbs.js";

/** @typedef {import("../../evidence/matrix.js").Matrix} Matrix */

const TOLD = sentences.matrix;
const { LINKS } = sizes.matrix;

/** @param {import("../../state/actions.js").Actions} actions */
export const matrixNotesView = (actions) => {
  const { matrix } = actions;
  const channel = choice("Channel", CHANNELS, (channel) => matrix.set({ channel }));
  const scope = choice("Scope", [TOLD.up_to_this, TOLD.this_alone], (_, i) =>
    matrix.set({ alone: i === 1, head: null }),
  );
  const residual = el("input", {
    type: "checkbox",
    change: () => matrix.set({ residual: residual.checked }),
  });
  const own = el("label.check", residual, TOLD.residual);
  const low = el("span.opposes");
  const high = el("span.supports");
  const bar = el("canvas", { width: 96, height: 9, ...HIDDEN });
  const colour = colourProbe();
  const text = el("p.how");
  const links = linksView(actions);
  const heads = headsView(actions);
  const root = el(
    "div.notes",
    el("div.tool", channel),
    el("div.tool", scope),
    own,
    el("div.scale", low, bar, high, colour),
    text,
    links,
    heads,
  );
  const rescaled = createChangeTest();
  const reworded = createChangeTest();

  return view(root, (/** @type {Matrix} */ m, /** @type {number} */ theme) => {
    const { state, unitEvidence: p, x } = m.scene;
    const unit = matrixUnit(m);
    channel.draw(CHANNELS.indexOf(state.channel));
    scope.draw(m.alone ? 1 : 0);
    const cancels = state.channel === "net" || m.alone;
    residual.checked = state.residual && !cancels;
    setAttributes(residual, { disabled: cancels });
    setAttributes(own, {
      title: cancels ? "It cancels in net, and one layer alone has none" : "What each position brought along",
    });
    if (rescaled(m.limit, m.knee, theme, p.name, unit)) {
      paintScale(bar, m, readPalette(colour));
      const most = formatNumber(m.limit, matrixDigits(m));
      replaceContent(low, fill(TOLD.low, { most }));
      replaceContent(high, fill(TOLD.high, { most }));
    }
    const cut = largestSize([...m.columns, ...m.rows]) > largestSum(m);
    if (reworded(m.title, m.beyond, unit, x, state.granularity, cut)) replaceContent(text, readingNote(m));
    links.draw(m);
    heads.draw(m, theme);
  });
};

/**
 * The strongest links; those of a selected word are exact while the matrix is still on its way.
 * @param {import("../../state/actions.js").Actions} actions
 */
const linksView = ({ matrix }) => {
  const head = el("b");
  const list = el("ol.links");
  const fresh = createChangeTest();
  const root = el("div", head, list);
  return view(root, (/** @type {Matrix} */ m) => {
    const { selected, units, exact, state, signals, fusion } = m.scene;
    const unit = selected.length === 1 ? selected[0] : null;
    // While λ is dragged a long input has no time for this.
    if ((state.dragging && m.late) || !fresh(m.shown, unit, exact, signals, fusion, m.b, m.title)) return;
    const found = unit === null || !exact ? strongestLinks(m, LINKS) : around(m, unit);
    replaceContent(
      head,
      unit === null ? TOLD.links : fill(TOLD.links_of, { word: shorten(units.labels[unit], 20) }),
    );
    root.hidden = !found.length;
    /** @param {number} u */
    const name = (u) => el("bdi", shorten(units.labels[u], 14));
    replaceContent(
      list,
      ...found.map(({ row, column, value }) => {
        const pointed = {
          click: () => matrix.pin([row, column]),
          pointerenter: () => matrix.point([row, column]),
          pointerleave: () => matrix.point(null),
        };
        const words = el("span", name(column), " → ", name(row));
        return el(
          "li",
          el(
            "button",
            pointed,
            words,
            el(`span.${stanceClass(value)}`, formatSigned(value, matrixDigits(m))),
          ),
        );
      }),
    );
  });
};

/** @param {Matrix} m @param {number} unit */
const around = (m, unit) => {
  const { given, taken } = m.links(unit);
  return [
    ...given.map((value, row) => ({ row, column: unit, value })),
    ...taken.map((value, column) => ({ row: unit, column, value })),
  ]
    .filter(({ row, column, value }) => row !== column && value)
    .sort((a, b) => abs(b.value) - abs(a.value))
    .slice(0, LINKS);
};

/** @param {import("../../state/actions.js").Actions} actions */
const headsView = ({ matrix }) => {
  let chosen = /** @type {number | null} */ (null);
  let open = false;
  const button = el("button.icon", { click: () => matrix.set({ heads: !open, head: null }) });
  const reason = el("p.how");
  const grid = thumbsView("Head", "heads", (head) => matrix.set({ head: head === chosen ? null : head }));
  const fresh = createChangeTest();
  /** @type {{values: Float32Array, n: number}[]} */
  let pictures = [];
  let limit = 1;
  return view(
    el("div.single", button, reason, grid),
    (/** @type {Matrix} */ m, /** @type {number} */ theme) => {
      const { state, x, rtl, unitEvidence: p } = m.scene;
      const { heads = null, reason: why } = m.heads ?? {};
      const refused = x.noHeads || why;
      chosen = state.head;
      open = (state.heads || chosen !== null) && !x.noHeads;
      setAttributes(button, { "aria-expanded": open, disabled: Boolean(refused) });
      replaceContent(button, `${open ? "Hide" : "Show"} the heads of ${layerInSentence(x, m.b)}`);
      replaceContent(reason, refused || (open && !heads && "Python is working them out …"));
      reason.hidden = !reason.textContent;
      grid.hidden = !open || !heads;
      if (!open || !heads) return;
      if (fresh(heads, p.sign)) {
        pictures = heads.map((values) => ({
          values: p.sign < 0 ? values.map((v) => -v) : values,
          n: x.tokens.length,
        }));
        limit = max(...heads.map(scaleLimit));
      }
      const labels = heads.map((_, h) => `${h}`);
      grid.draw(pictures, { names: labels.map((h) => `Head ${h}`), labels, at: chosen, limit, rtl, theme });
    },
  );
};
