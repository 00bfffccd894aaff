/** The ledger of a picture: the strongest patches against each other, each with what is seen in it. */
import { fill, sentences, sizes } from "../evidence/design.js";
import { countDigits, formatNumber, formatSigned } from "../evidence/format.js";
import { abs, floor, max, sortStrongestFirst, sum, times } from "../evidence/maths.js";
import { MIDDLE } from "../geometry/flow_layout.js";
import { fitCanvas } from "../kit/canvas.js";
import { createChangeTest, el, HIDDEN, replaceContent, view } from "../kit/dom.js";
import { listenToUnits, markUnits } from "../kit/input.js";

/** @typedef {import("./evidence/settings.js").Scene} Scene */
/** @typedef {import("./evidence/map.js").Grid} Grid */
/** @typedef {import("./photo.js").Photo} Photo */

const TOLD = sentences.ledger;
/** Patches below this share of the strongest are not listed. */
const { WEAK } = sizes.patches;
/** Side of the small picture, px. */
const { CROP } = sizes.patches;

/** @param {import("./actions.js").PatchActions} actions */
export const ledgerView = (actions) => {
  const root = listenToUnits(el("div.ledger"), actions);
  const rebuilt = createChangeTest();
  return view(
    root,
    (
      /** @type {Scene} */ scene,
      /** @type {Grid} */ grid,
      /** @type {Photo | null} */ photo,
      /** @type {number} */ width,
    ) => {
      const rows = width < MIDDLE ? 5 : 6;
      if (rebuilt(scene.unitEvidence, scene.layer, rows, photo))
        replaceContent(root, ...build(scene, grid, photo, rows));
      markUnits(root.querySelectorAll("[data-unit]"), scene);
    },
  );
};

/** What is seen in a patch. @param {Photo | null} photo @param {Grid} grid @param {number} patch */
const crop = (photo, { rows, columns }, patch) => {
  if (!photo) return null;
  const [w, h] = [photo.width / columns, photo.height / rows];
  const canvas = el("canvas.crop", HIDDEN);
  const context = fitCanvas(canvas, CROP, CROP);
  if (context) {
    context.imageSmoothingEnabled = CROP / w < 2;
    context.drawImage(
      photo.source,
      (patch % columns) * w,
      floor(patch / columns) * h,
      w,
      h,
      0,
      0,
      CROP,
      CROP,
    );
  }
  return canvas;
};

/** @param {Scene} scene @param {Grid} grid @param {Photo | null} photo @param {number} rows */
const build = ({ unitEvidence: p, layer, x, evidence, units }, grid, photo, rows) => {
  const listed = sortStrongestFirst(grid.patches, evidence);
  const largest = abs(evidence[listed[0]] ?? 0);
  const d = countDigits(largest);
  const [minus, plus] = [-1, 1].map((sign) =>
    listed.filter((u) => sign * evidence[u] > WEAK * largest).slice(0, rows),
  );
  /** @param {number | undefined} u */
  const entry = (u) => {
    if (u === undefined) return null;
    const patch = grid.patches.indexOf(u);
    return el(
      "div.entry",
      { "data-unit": u, style: `--v:${abs(evidence[u]) / largest}`, title: units.names[u] },
      el("span.bar"),
      crop(photo, grid, patch),
      el("span.name", `${floor(patch / grid.columns) + 1} · ${(patch % grid.columns) + 1}`),
      el("span.value", formatNumber(abs(evidence[u]), d)),
    );
  };
  const count = max(minus.length, plus.length);
  const body = times(count, (i) => el("tr", el("td.minus", entry(minus[i])), el("td.plus", entry(plus[i]))));
  if (!count) body.push(el("tr", el("td.none", { colspan: 2 }, TOLD.none)));
  /** @param {string} kind @param {string} text */
  const column = (kind, text) => el(`th.${kind}`, { scope: "col" }, text);
  const [supporting, opposing] = [1, -1].map((sign) =>
    formatNumber(sum(evidence.map((v) => max(0, sign * v)))),
  );
  const [told, plusSum, minusSum, total] =
    layer === null
      ? [TOLD.patches_sum, formatNumber(p.total.supporting), formatNumber(p.total.opposing), p.total.net]
      : [TOLD.patches_sum_at, supporting, opposing, sum(evidence)];
  const foot = fill(told, {
    plus: plusSum,
    minus: minusSum,
    weight: layer === null ? "" : formatNumber(x.weights[layer]),
  });
  return [
    el("div.head", el("b", TOLD.title), el("span", TOLD.patches)),
    el(
      "table",
      el(
        "thead",
        el(
          "tr",
          column("minus", fill(sentences.flow.opposes, { name: p.name })),
          column("plus", fill(sentences.flow.supports, { name: p.name })),
        ),
      ),
      el("tbody", ...body),
    ),
    el("p.sum", fill(TOLD.equals, { sum: foot }), el("b", fill(TOLD.net, { net: formatSigned(total) }))),
  ];
};
