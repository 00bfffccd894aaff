/** The decision above the flow: the score, the balance's names and numbers, the lens. */
import { fill, sentences, sizes } from "../../evidence/design.js";
import { countDigits, formatNumber, formatSigned, layerInSentence, shorten } from "../../evidence/format.js";
import { abs, max, min, round, sum } from "../../evidence/maths.js";
import { svg, textWidth } from "../../kit/dom.js";
import { line, stanceClass, svgText } from "../../kit/shapes.js";
import { sumPassed } from "./paint.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */
/** @typedef {import("../../geometry/flow_layout.js").Layout} Layout */
/** @typedef {import("../../geometry/ribbons.js").Flow} Flow */

const TOLD = sentences.flow;
/** From this relative error on the warning colour is used. */
const { WARN, NAME } = sizes.decision;

/**
 * @param {Scene} scene @param {Layout} layout @param {Flow} flow @param {string} family
 * @returns {SVGElement[]}
 */
export const drawDecision = (scene, layout, flow, family) => {
  const { unitEvidence: p, state } = scene;
  const { zero, y, scale } = flow;
  const L = layout.strips.length;
  const upto = state.play ?? L;
  const plus = sumPassed(p.entering.supporting, upto);
  const minus = sumPassed(p.entering.opposing, upto);
  const at = zero + (plus - minus) * scale;
  const told =
    upto < L || !flow.ribbons.length
      ? []
      : flow.magnified
        ? lens(scene, layout, flow, family)
        : names(scene, flow, family);
  return [
    ...heading(scene, layout, plus - minus),
    ...sides(p.name, plus, minus, layout, flow, family),
    line("ink", zero, zero, y - 4, y + 20),
    ...told,
    svg("path.net", { d: `M${at - 4.5},${y - 8}h9l-4.5,6.5z` }),
  ];
};

/** @param {Child[]} text */
const bold = (...text) => svg("tspan.bold", ...text);
/** @typedef {import("../../kit/dom.js").Child} Child */

/** @param {Scene} scene @param {Layout} layout @param {number} net */
const heading = ({ unitEvidence: p, x }, { x0, x1, middle }, net) => {
  const centre = (x0 + x1) / 2;
  const d = countDigits(abs(p.gain));
  const base = formatNumber(p.baseline, d);
  const worst = p.errors[p.worst];
  const based = Number.isFinite(p.gain);
  const error =
    worst < 0.0005
      ? TOLD.small_error
      : fill(TOLD.error_up_to, { error: (worst * 100).toFixed(1), layer: layerInSentence(x, p.worst) });
  return [
    svgText(
      "score",
      centre,
      middle ? 24 : 20,
      based
        ? fill(TOLD.gain, { score: formatNumber(p.score, d), baseline: p.baseline < 0 ? `(${base})` : base })
        : TOLD.score,
      bold(based ? formatSigned(p.gain, d) : formatNumber(p.score)),
    ),
    svgText(
      "under",
      centre,
      middle ? 43 : 38,
      middle && based && TOLD.above,
      fill(middle ? TOLD.net_relevance : TOLD.net, { net: formatSigned(net) }),
      Number.isFinite(worst) &&
        svg(`tspan.${worst > WARN ? "warn" : ""}`, fill(middle ? TOLD.convergence : TOLD.error, { error })),
    ),
  ];
};

/**
 * Both sums beside the bar, or above it where they do not fit.
 * @param {string} name @param {number} plus @param {number} minus
 * @param {Layout} layout @param {Flow} flow @param {string} family
 */
const sides = (name, plus, minus, { middle, width, x0, x1 }, { zero, scale, y }, family) => {
  const [left, right] = [zero - minus * scale, zero + plus * scale];
  const free = min(left, width - right);
  let long = 27;
  let label = "";
  let room;
  do {
    label = shorten(name, --long);
    room =
      max(...["opposes", "supports"].map((verb) => textWidth(`00.00 ${verb} ${label}`, 12, family))) + 16;
  } while (long > NAME && room >= free);
  if (middle && room < free)
    return [
      svgText("opposes end", left - 10, y + 12, `opposes ${label}  `, bold(formatNumber(minus))),
      svgText("supports", right + 10, y + 12, bold(formatNumber(plus)), `  supports ${label}`),
    ];
  const up = y - 34;
  const [from, to] = middle ? [x0, x1] : [0, width];
  let n = 26;
  while (n > 3 && textWidth(`00.00  supports ${shorten(name, n)}`, 12, family) > (to - from) / 2 - 8) n--;
  const cut = shorten(name, n);
  return [
    svgText("opposes", from, up, bold(formatNumber(minus)), `  opposes ${cut}`),
    svgText("supports end", to, up, `supports ${cut}  `, bold(formatNumber(plus))),
  ];
};

/**
 * Names over the words' own stretches, as far as they fit.
 * @param {Scene} scene @param {Flow} flow @param {string} family
 */
const names = ({ unitEvidence: p, units }, flow, family) => {
  /** @type {[number, number][]} */
  const taken = [];
  const nodes = [];
  for (const { unit, sign, bar } of flow.segments.toSorted((a, b) => b.mass - a.mass)) {
    // A word is named once, on its stronger side.
    if (p.net[unit] > 0 !== sign > 0) continue;
    const name = shorten(units.labels[unit], NAME);
    const half = textWidth(name, 11.5, family) / 2 + 3;
    const x = (bar[0] + bar[1]) / 2;
    if (2 * half > bar[1] - bar[0] + 48 || taken.some(([a, b]) => x - half < b && x + half > a)) continue;
    taken.push([x - half, x + half]);
    nodes.push(svgText(`${stanceClass(sign)} bold middle`, x, flow.y - 13, name));
  }
  return nodes;
};

/**
 * The sums and words of the magnified stretch, beside it.
 * @param {Scene} scene @param {Layout} layout @param {Flow} flow @param {string} family
 */
const lens = ({ units }, { width, middle }, { segments, zero, lensY, magnification }, family) => {
  const y = lensY + 3;
  const note = fill(TOLD.wider, {
    times: magnification < 10 ? magnification.toFixed(1) : round(magnification),
  });
  const d = countDigits(max(...segments.map((s) => s.mass)));
  const nodes = [];
  for (const sign of [-1, 1]) {
    // A word that carries nothing here is not named.
    const own = segments
      .filter((s) => s.sign === sign && s.mass >= 0.5 * 10 ** -d)
      .sort((a, b) => b.mass - a.mass);
    if (!own.length) continue;
    const total = formatNumber(sum(own.map((s) => s.mass)), d);
    const end = sign > 0 ? max(...own.map((s) => s.lens[1])) : min(zero, ...own.map((s) => s.lens[0]));
    const room = sign > 0 ? width - textWidth(note, 11, family) - 16 - end : end - 4;
    const listed = own.map((s) => `${shorten(units.labels[s.unit], NAME)} ${formatNumber(s.mass, d)}`);
    const full = listed.length > 1 ? listed.join(" · ") : total;
    const text = textWidth(full, 12, family) + 10 < room ? full : total;
    nodes.push(svgText(`halo ${sign > 0 ? "supports" : "opposes end"}`, end + 6 * sign, y, text));
  }
  return [...nodes, svgText("halo end", width, middle ? y : y + 17, note)];
};
