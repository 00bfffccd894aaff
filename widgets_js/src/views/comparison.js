/** The comparison: the texts side by side on one scale, and below them their difference, row by row. */
import { isolated, percent, signed } from "../lib/format.js";
import { comparisonStory } from "../lib/comparison.js";
import { captionView } from "./caption.js";
import { differenceView } from "./comparison_rows.js";
import { differ, el, set } from "./dom.js";
import { legendView } from "./legend.js";
import { noticeView } from "./notice.js";
import { proseView } from "./prose.js";
import { toolsView } from "./tools.js";

/** @typedef {import("../lib/comparison.js").Compared} Compared */
/** @typedef {import("../lib/comparison.js").Side} Side */
/** @typedef {import("../actions.js").Actions} Actions */

/** @param {Actions} actions */
export function comparisonViews(actions) {
  const root = el("div", { class: "sides" });
  const fresh = differ();
  /** @type {ReturnType<typeof sideView>[]} */
  let views = [];
  const sides = Object.assign(root, {
    /** @param {import("../lib/scene.js").Scene} scene @param {number} width */
    draw(scene, width) {
      const compared = /** @type {Compared} */ (scene);
      const now = compared.sides;
      if (fresh(now.length)) {
        views = now.map((_, i) => sideView(actions, i));
        root.replaceChildren(...views);
      }
      root.style.setProperty("--sides", String(Math.max(1, Math.min(now.length, 3, Math.floor(width / 340)))));
      now.forEach((side, i) => views[i].draw(side, width));
    },
  });
  const names = el("span");
  const title = Object.assign(el("div", { class: "question" }, el("span", { class: "why" }, names)), {
    /** @param {import("../lib/scene.js").Scene} scene */
    draw(scene) {
      names.textContent = /** @type {Compared} */ (scene).sides.map((s) => isolated(s.name)).join(" against ");
    },
  });
  const all = [
    title,
    toolsView(actions, { play: false }),
    noticeView(actions),
    captionView(actions, comparisonStory),
    legendView({ flow: false }),
    sides,
    differenceView(actions),
  ];
  return { views: all, nodes: all };
}

/** @param {Actions} actions @param {number} i */
function sideView(actions, i) {
  /** @type {Side} */
  let side;
  const rowOf = (/** @type {number | null} */ unit) => (unit === null ? null : (side.rowOf[unit] ?? null));
  const prose = proseView({
    ...actions,
    pick: (unit, more) => actions.pick(/** @type {number} */ (rowOf(unit)), more),
    hover: (unit) => actions.hover(rowOf(unit)),
  }, { small: true });
  const name = el("b", { dir: "auto" });
  const said = el("span");
  const net = el("p", { class: "sum" });
  const root = el("div", { class: "side", role: "group" }, el("div", { class: "head" }, name, said), prose, net);
  return Object.assign(root, {
    /** @param {Side} now @param {number} width */
    draw(now, width) {
      side = now;
      const { x, picture: p, layer } = now.scene;
      name.textContent = now.name;
      set(root, { "aria-label": `${i + 1}: ${now.name}` });
      said.textContent = `${p.name} ${percent(x.probs[x.target])}, score ${signed(x.score)}`;
      const values = layer === null ? p.net : p.cells[layer];
      net.textContent = `all tokens: net ${signed(values.reduce((a, v) => a + v, 0))} for ${p.name}`;
      prose.draw(now.scene, width);
    },
  });
}
