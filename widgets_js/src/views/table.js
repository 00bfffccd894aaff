/** The same numbers as a table, for reading, listening and copying. */
import { layerName, number, short, signed } from "../lib/format.js";
import { evidenceRows } from "../lib/csv.js";
import { copyButton } from "./copy.js";
import { differ, el } from "./dom.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */

export function tableView() {
  const body = el("div", { class: "table", tabindex: 0, role: "region", "aria-label": "Table of attributions" });
  const root = el(
    "details",
    { class: "more" },
    el("summary", {}, "Table", el("small", {}, "the same numbers, for reading and copying")),
    body,
    copyButton(() => (scene ? evidenceRows(scene) : null)),
  );
  const fresh = differ();
  /** @type {Scene | undefined} */
  let scene;
  const build = () => {
    if (!root.open || !scene || !fresh(scene.picture, scene.state.layer)) return;
    const { picture: p, units, x, state } = scene;
    const b = state.layer ?? 0;
    const columns = [state.granularity, "supporting", "opposing", "net", `gradients, ${layerName(b, x.weights.length).toLowerCase()}`];
    const rows = units.labels.map((label, u) => [
      short(label, 60),
      number(p.supporting[u], 3),
      number(p.opposing[u], 3),
      signed(p.net[u], 3),
      signed(p.r[b][u], 3),
    ]);
    body.replaceChildren(
      el(
        "table",
        {},
        el("caption", {}, `Shares for and against ${p.name}; gradients in units of the score.`),
        el("thead", {}, el("tr", {}, ...columns.map((c) => el("th", { scope: "col" }, c)))),
        el(
          "tbody",
          {},
          ...rows.map(([name, ...values]) =>
            el(
              "tr",
              {},
              el("th", { scope: "row" }, el("bdi", {}, name)),
              ...values.map((v) => el("td", {}, v)),
            ),
          ),
        ),
      ),
    );
  };
  root.addEventListener("toggle", build);
  return Object.assign(root, {
    /** @param {Scene} now */
    draw(now) {
      scene = now;
      build();
    },
  });
}
