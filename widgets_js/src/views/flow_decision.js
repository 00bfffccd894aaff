/** The decision above the flow: the score, the balance's names and numbers, the lens. */
import { MINUS, digits, layerName, number, quoted, short, signed } from "../lib/format.js";
import { svg, textWidth } from "./dom.js";
import { passed } from "./flow_paint.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */
/** @typedef {import("../lib/layout.js").Layout} Layout */
/** @typedef {import("../lib/ribbons.js").Flow} Flow */

/** From this relative error on the warning colour is used. */
const WARN = 0.05;
const NAME = 14;

/**
 * @param {SVGGElement} g @param {Scene} scene @param {Layout} layout @param {Flow} flow @param {string} family
 */
export function drawDecision(g, scene, layout, flow, family) {
  const { picture: p, state } = scene;
  const upto = state.play ?? layout.strips.length;
  const done = upto >= layout.strips.length;
  const plus = passed(p.entering.supporting, upto);
  const minus = passed(p.entering.opposing, upto);
  heading(g, scene, layout, plus - minus);
  sides(g, p.name, plus, minus, layout, flow, family);
  const { zero, y, scale } = flow;
  g.append(svg("line", { class: "ink", x1: zero, x2: zero, y1: y - 4, y2: y + 20 }));
  if (done && flow.ribbons.length)
    if (flow.magnification > 1.04) lens(g, scene, layout, flow, family);
    else names(g, scene, flow, family);
  const at = zero + (plus - minus) * scale;
  g.append(svg("path", { class: "net", d: `M${at - 4.5},${y - 8}h9l-4.5,6.5z` }));
}

/** @param {SVGGElement} g @param {Scene} scene @param {Layout} layout @param {number} net */
function heading(g, { picture: p, x }, layout, net) {
  const middle = (layout.x0 + layout.x1) / 2;
  const d = digits(Math.abs(p.gain));
  const base = p.baseline < 0 ? `(${number(p.baseline, d)})` : number(p.baseline, d);
  const score = svg(
    "text",
    { x: middle, y: layout.middle ? 24 : 20, class: "score" },
    `f(x) ${MINUS} f(x′) = ${number(p.score, d)} ${MINUS} ${base} = `,
    svg("tspan", { class: "bold" }, signed(p.gain, d)),
  );
  const worst = p.errors[p.worst];
  const where = layerName(p.worst, x.weights.length).toLowerCase();
  const known = Number.isFinite(worst);
  const error = !known ? "n/a" : worst < 0.0005 ? "below 0.1 %" : `up to ${(worst * 100).toFixed(1)} % (${where})`;
  const under = svg(
    "text",
    { x: middle, y: layout.middle ? 43 : 38, class: "under" },
    layout.middle ? "score above the baseline  ·  " : "",
    `▾ net${layout.middle ? " relevance" : ""} ${signed(net)}  ·  `,
    svg("tspan", { class: worst > WARN && "warn" }, `${layout.middle ? "convergence " : ""}error ${error}`),
  );
  g.append(score, under);
}

/**
 * Both sums beside the bar, or above it where they do not fit.
 * @param {SVGGElement} g @param {string} name @param {number} plus @param {number} minus
 * @param {Layout} layout @param {Flow} flow @param {string} family
 */
function sides(g, name, plus, minus, layout, flow, family) {
  const { zero, scale, y } = flow;
  const label = short(name, layout.middle ? 26 : NAME);
  const bold = (/** @type {number} */ v) => svg("tspan", { class: "bold" }, number(v));
  const room = Math.max(textWidth(`opposes ${label} 00.00`, 12, family), textWidth(`00.00 supports ${label}`, 12, family)) + 16;
  const [left, right] = [zero - minus * scale, zero + plus * scale];
  if (layout.middle && left - room > 0 && right + room < layout.width) {
    g.append(
      svg("text", { class: "opposes end", x: left - 10, y: y + 12 }, `opposes ${label}  `, bold(minus)),
      svg("text", { class: "supports", x: right + 10, y: y + 12 }, bold(plus), `  supports ${label}`),
    );
    return;
  }
  const up = layout.middle ? y - 24 : y - 34;
  g.append(
    svg("text", { class: "opposes", x: layout.middle ? layout.x0 : 0, y: up }, bold(minus), `  opposes ${label}`),
    svg("text", { class: "supports end", x: layout.middle ? layout.x1 : layout.width, y: up }, `supports ${label}  `, bold(plus)),
  );
}

/** Names over the words' own stretches, as far as they fit. @param {SVGGElement} g @param {Scene} scene @param {Flow} flow @param {string} family */
function names(g, { picture: p, units }, flow, family) {
  /** @type {[number, number][]} */
  const taken = [];
  for (const s of flow.segments.toSorted((a, b) => b.mass - a.mass)) {
    // A word is named once, on its stronger side.
    if (p.net[s.unit] > 0 !== s.sign > 0) continue;
    const name = short(quoted(units.names[s.unit]), NAME);
    const half = textWidth(name, 11.5, family) / 2 + 3;
    const x = (s.bar[0] + s.bar[1]) / 2;
    if (2 * half > s.bar[1] - s.bar[0] + 48 || taken.some(([a, b]) => x - half < b && x + half > a)) continue;
    taken.push([x - half, x + half]);
    g.append(svg("text", { class: `${s.sign > 0 ? "supports" : "opposes"} bold middle`, x, y: flow.y - 13 }, name));
  }
}

/** The sums and words of the magnified stretch, beside it. @param {SVGGElement} g @param {Scene} scene @param {Layout} layout @param {Flow} flow @param {string} family */
function lens(g, { units }, layout, flow, family) {
  const low = Math.min(flow.zero, ...flow.segments.map((s) => s.lens[0]));
  const high = Math.max(...flow.segments.map((s) => s.lens[1]));
  const y = flow.lensY + 3;
  const factor = flow.magnification;
  const note = `ribbons ×${factor < 10 ? factor.toFixed(1) : Math.round(factor)} wider`;
  const reserve = textWidth(note, 11, family) + 16;
  const d = digits(Math.max(0, ...flow.segments.map((s) => s.mass)));
  for (const sign of /** @type {const} */ ([-1, 1])) {
    const own = flow.segments.filter((s) => s.sign === sign).sort((a, b) => b.mass - a.mass);
    if (!own.length) continue;
    const mass = own.reduce((a, s) => a + s.mass, 0);
    const sum = number(mass, d);
    const room = sign > 0 ? layout.width - reserve - high : low - 4;
    const listed = own.map((s) => `${short(quoted(units.names[s.unit]), NAME)} ${number(s.mass, d)}`);
    const full = listed.length > 1 ? listed.join(" · ") : sum;
    const text = textWidth(full, 11, family) + 10 < room ? full : sum;
    g.append(
      svg("text", { class: `halo ${sign > 0 ? "supports" : "opposes end"}`, x: sign > 0 ? high + 6 : low - 6, y }, text),
    );
  }
  g.append(svg("text", { class: "end", x: layout.width, y: layout.middle ? y : y + 17 }, note));
}
