/** Row and column of the rollout for what is selected, as two small pictures. */
import { fill, formats, sentences } from "../evidence/design.js";
import { countDigits, formatNumber, formatSigned, layerInSentence, shorten } from "../evidence/format.js";
import { floor, min, sum } from "../evidence/maths.js";
import { createChangeTest, el, replaceContent, view } from "../kit/dom.js";
import { stanceClass } from "../kit/shapes.js";
import { plateView } from "./plate.js";

/** @typedef {import("./evidence/settings.js").Scene} Scene */
/** @typedef {import("./evidence/map.js").Links} Links */

const TOLD = sentences.patches;
const HINT = "Select a patch to see which patches it gave evidence to, and from which it received evidence.";

/** @param {import("./actions.js").PatchActions} actions */
export const linksView = (actions) => {
  const gave = sideView(actions, TOLD.gave_to);
  const received = sideView(actions, TOLD.received_from);
  const both = el("div.both-sides", gave, received);
  const title = el("b");
  const note = el("span");
  const hint = el("p.how", HINT);
  const fresh = createChangeTest();
  const root = el("div.links-of", el("div.head", title, note), hint, both);

  return view(
    root,
    (
      /** @type {Scene} */ scene,
      /** @type {import("./paint.js").Look} */ look,
      /** @type {Links | null} */ links,
      /** @type {number} */ width,
    ) => {
      const { x, layer, units, exact, selected: chosen } = scene;
      both.hidden = !links;
      if (fresh(String(chosen), layer, units, exact, x)) {
        replaceContent(
          title,
          !chosen.length
            ? "A patch and the others"
            : chosen.length > 1
              ? fill(TOLD.several_others, { count: chosen.length })
              : fill(TOLD.others, { patch: shorten(units.labels[chosen[0]], formats.NAME) }),
        );
        replaceContent(
          note,
          chosen.length > 0 &&
            (layer === null
              ? TOLD.others_note
              : fill(TOLD.others_note_at, { layer: layerInSentence(x, layer) })),
        );
        replaceContent(hint, chosen.length && !exact ? "The attention matrices are on their way." : HINT);
      }
      hint.hidden = Boolean(links);
      if (!links) return;
      const side = floor(min(180, (width - 24) / 2, ((width - 24) / 2) * look.grid.ratio));
      gave.draw(scene, look, links, links.gave, side, chosen);
      received.draw(scene, look, links, links.received, side, chosen);
    },
  );
};

/** @param {import("./actions.js").PatchActions} actions @param {string} verb */
const sideView = (actions, verb) => {
  const plate = plateView(actions);
  const words = el("p.how");
  const fresh = createChangeTest();
  const root = el("figure.side-of", el("figcaption", verb), plate, words);
  return view(
    root,
    (
      /** @type {Scene} */ scene,
      /** @type {import("./paint.js").Look} */ look,
      /** @type {Links} */ { limit },
      /** @type {number[]} */ values,
      /** @type {number} */ width,
      /** @type {number[]} */ chosen,
    ) => {
      plate.draw({ scene, look, width, values, limit, chosen });
      if (!fresh(values)) return;
      const d = countDigits(limit);
      const { others, patches } = look.grid;
      /** @param {number} v */
      const value = (v) => el(`span.${stanceClass(v)}`, formatSigned(v, d));
      const own = sum(chosen.map((u) => values[u]));
      const rest = sum(patches.filter((u) => !chosen.includes(u)).map((u) => values[u]));
      const parts = [
        [TOLD.other, value(rest)],
        [chosen.length > 1 ? TOLD.themselves : TOLD.itself, value(own)],
        ...others
          .filter((u) => !chosen.includes(u))
          .map((u) => [shorten(scene.units.labels[u], 12), " ", value(values[u])]),
      ];
      replaceContent(
        words,
        ...parts.flatMap((part, i) => [i > 0 && " · ", ...part]),
        fill(TOLD.deepest, { limit: formatNumber(limit, d) }),
      );
    },
  );
};
