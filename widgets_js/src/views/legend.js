/** What the marks mean, in words. */
import { differ, el } from "./dom.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */

/** @param {{flow: boolean, matrix?: boolean}} options what is on the sheet */
export function legendView({ flow, matrix = false }) {
  const root = el("div", { class: "legend" });
  const fresh = differ();
  const key = (/** @type {string} */ mark, /** @type {string} */ text) =>
    el("span", { class: "key" }, mark ? el("i", { class: mark }) : null, text);
  return Object.assign(root, {
    /** @param {Scene} scene */
    draw({ picture: p, x }) {
      if (!fresh(p.name, x)) return;
      const keys = flow
        ? [
            key("sup", `supports ${p.name}`),
            key("opp", `opposes ${p.name}, hatched`),
            key("flip", "a word changes sign between two layers"),
            key("", "height of a strip: the weight of its layer"),
            key("", "thin strips: support above the line, opposition below"),
            key("", "ribbon width: evidence carried; the largest are drawn, up to 80 % of it"),
          ]
        : matrix
          ? [key("sup", `supports ${p.name}`), key("opp", `opposes ${p.name}; cells from 6 px on are hatched`)]
          : [key("sup", `rises: supports ${p.name}`), key("opp", `hangs, hatched: opposes ${p.name}`)];
      if ((flow || matrix) && x.form.bits === 8) keys.push(key("", "matrices in 8 bits: within 0.5 % of the strongest word"));
      if (x.calibration) keys.push(key("", x.calibration));
      root.replaceChildren(...keys);
    },
  });
}
