/** What the caption of a picture says; `figures/scene/patch_story.py` is the twin. */
import { fill, sentences } from "../../evidence/design.js";
import { countDigits, formatNumber, formatSigned, layerName } from "../../evidence/format.js";
import { floor, round, sum } from "../../evidence/maths.js";
import { brings, holesStory, layerStory, sumStory, tell, verdict, word } from "../../wording/story.js";
import { strongestOther } from "../evidence/map.js";

/** @typedef {import("../evidence/settings.js").Scene} Scene */
/** @typedef {import("../evidence/map.js").Links} Links */
/** @typedef {import("../../wording/story.js").Part} Part */

/** Units that are told of: the one that the keyboard has come to, or those selected. @param {Scene} scene */
const chosenOf = ({ state: { preview }, selected, units }) =>
  preview !== null && preview < units.count ? [preview] : selected;

const TOLD = sentences.patches;

/**
 * Where their evidence went, and whence they had it.
 * @param {Scene} scene @param {number[]} chosen @param {Links | null} links @returns {Part[]}
 */
const path = (scene, chosen, links) => {
  if (!links) return [];
  const d = countDigits(links.limit);
  /** @param {number[]} row @param {string} told @param {string} nothing @returns {Part[]} */
  const most = (row, told, nothing) => {
    const other = strongestOther(row, chosen);
    return other === null
      ? [nothing]
      : tell(told, { patch: word(scene, other), value: formatSigned(row[other], d) });
  };
  return tell(chosen.length > 1 ? TOLD.they : TOLD.it, {
    gave: most(links.gave, TOLD.gave, TOLD.gave_nothing),
    received: most(links.received, TOLD.received, TOLD.received_nothing),
  });
};

/** @param {Scene} scene @param {number[]} chosen @param {Links | null} links @returns {Part[]} */
const chosenStory = (scene, chosen, links) => {
  const { unitEvidence: p, layer, x, evidence } = scene;
  const d = countDigits(layer === null ? p.largest : p.cellLargest);
  /** @param {number[]} row */
  const total = (row) => sum(chosen.map((u) => row[u]));
  const told = path(scene, chosen, links);
  const count = chosen.length;
  const patches = [fill(TOLD.several, { count })];
  if (layer !== null)
    return tell(count === 1 ? TOLD.has : TOLD.have, {
      layer: layerName(x, layer),
      patch: word(scene, chosen[0]),
      patches,
      net: formatSigned(total(evidence), d),
      weight: formatNumber(x.weights[layer]),
      links: told,
    });
  if (count === 1) return [...brings(scene, chosen[0], d), ...told];
  const [plus, minus] = [p.supporting, p.opposing].map(total);
  /** @param {number} v @param {number} all */
  const share = (v, all) => round((v / (all || 1)) * 100);
  return tell(TOLD.bring, {
    patches,
    plus: formatNumber(plus, d),
    minus: formatNumber(minus, d),
    name: p.name,
    net: formatSigned(plus - minus, d),
    supporting: share(plus, p.total.supporting),
    opposing: share(minus, p.total.opposing),
    links: told,
  });
};

/** @param {Scene} scene @param {(units: number[]) => Links | null} linksOf @returns {Part[]} */
export const patchStory = (scene, linksOf) => {
  const {
    state: { play },
    x,
    layer,
    unitEvidence: p,
    evidence,
  } = scene;
  const chosen = chosenOf(scene);
  if (play !== null) return play < x.weights.length ? layerStory(scene, floor(play)) : verdict(scene);
  if (chosen.length) return chosenStory(scene, chosen, linksOf(chosen));
  if (x.lost) return holesStory(scene);
  if (layer !== null) return layerStory(scene, layer);
  if (!p.order.some((u) => evidence[u])) return [TOLD.none];
  return sumStory(scene);
};
