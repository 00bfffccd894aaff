/** What the caption of a picture says; `figures/scene/patch_story.py` is the twin. */
import { countDigits, formatNumber, formatSigned, layerName, shorten } from "../../evidence/format.js";
import { floor, round, sum } from "../../evidence/maths.js";
import { holesStory, layerStory, sumStory, verdict } from "../../wording/story.js";
import { strongestOther } from "../evidence/map.js";

/** @typedef {import("../evidence/settings.js").Scene} Scene */
/** @typedef {import("../evidence/map.js").Links} Links */
/** @typedef {import("../../wording/story.js").Part} Part */

/** Units that are told of: the one that the keyboard has come to, or those selected. @param {Scene} scene */
const chosenOf = ({ state: { preview }, selected, units }) =>
  preview !== null && preview < units.count ? [preview] : selected;

/** @param {Scene} scene @param {number} unit @returns {Part} */
const patch = ({ units }, unit) => ({ unit, text: shorten(units.labels[unit], 24) });

/**
 * Where their evidence went, and whence they had it.
 * @param {Scene} scene @param {number[]} chosen @param {Links | null} links @returns {Part[]}
 */
const path = (scene, chosen, links) => {
  if (!links) return [];
  const d = countDigits(links.limit);
  /** @param {number[]} row @param {string} verb @param {string} way @returns {Part[]} */
  const most = (row, verb, way) => {
    const other = strongestOther(row, chosen);
    return other === null
      ? [`${verb} nothing`]
      : [`${verb} most ${way} `, patch(scene, other), ` ${formatSigned(row[other], d)}`];
  };
  const who = chosen.length > 1 ? " They " : " It ";
  return [who, ...most(links.gave, "gave", "to"), " and ", ...most(links.received, "received", "from"), "."];
};

/** @param {Scene} scene @param {number[]} chosen @param {Links | null} links @returns {Part[]} */
const chosenStory = (scene, chosen, links) => {
  const { unitEvidence: p, layer, x, evidence } = scene;
  const d = countDigits(layer === null ? p.largest : p.cellLargest);
  /** @param {number[]} row */
  const total = (row) => sum(chosen.map((u) => row[u]));
  const one = chosen.length === 1;
  /** @type {Part} */
  const who = one ? patch(scene, chosen[0]) : `${chosen.length} patches`;
  if (layer !== null)
    return [
      `${layerName(x, layer)}: `,
      who,
      one ? " has " : " have ",
      { strong: `net ${formatSigned(total(evidence), d)}` },
      `, before the weight ${formatNumber(x.weights[layer])}.`,
      ...path(scene, chosen, links),
    ];
  const [plus, minus] = [p.supporting, p.opposing].map(total);
  const rank = p.order.indexOf(chosen[0]);
  /** @param {number} v @param {number} all */
  const share = (v, all) => `${round((v / (all || 1)) * 100)} %`;
  const standing = !one
    ? `; ${share(plus, p.total.supporting)} of all that supports, ${share(minus, p.total.opposing)} ` +
      `of all that opposes.`
    : rank < 0
      ? "."
      : `, rank ${rank + 1} of ${p.order.length}.`;
  return [
    who,
    ` bring${one ? "s" : ""} ${formatNumber(plus, d)} for and ${formatNumber(minus, d)} against ${p.name}: `,
    { strong: `net ${formatSigned(plus - minus, d)}` },
    standing,
    ...path(scene, chosen, links),
  ];
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
  if (!p.order.some((u) => evidence[u])) return ["No patch carries evidence."];
  return sumStory(scene);
};
