/** What a widget shows: one explanation, or several side by side. */
import { createComparisonMaker } from "../evidence/comparison.js";
import { createSceneMaker } from "../evidence/scene.js";
import { readExplanation, readMatrices } from "../evidence/wire.js";

/** @typedef {import("../evidence/wire.js").Explanation} Explanation */
/** @typedef {import("../evidence/scene.js").Scene} Scene */
/** @typedef {import("../state/store.js").State} State */

/**
 * @typedef {object} Explanations
 * @property {string[]} traits those with data
 * @property {() => void} read them again
 * @property {(state: State) => Scene} scene
 * @property {() => object[]} missing requests for what is still to come
 * @property {(content: any, buffer: import("../evidence/wire.js").Bytes) => void} take an answer
 * @property {() => boolean} prepare a slice of what makes λ light; false when nothing is left
 */

/** @param {(name: string) => any} get reads one trait @returns {Explanations} */
export const createExplanations = (get) => {
  const compared = get("_view") === "comparison";
  const make = createSceneMaker();
  const compare = createComparisonMaker();
  /** @type {Explanation[]} */
  let all = [];
  const read = () => {
    all = compared
      ? get("_items").map((/** @type {Record<string, any>} */ item) => ({
          ...readExplanation((name) => item[name]),
          name: item._name,
        }))
      : [readExplanation(get)];
  };
  read();
  return {
    traits: compared ? ["_items", "_rows"] : ["_meta", "_r", "_G_columns", "_matrices"],
    read,
    scene: (state) => (compared ? compare(all, get("_rows"), state) : make(all[0], state)),
    missing: () =>
      all.flatMap((x, item) => (x.matrices ? [] : [{ kind: "matrices", ...(compared && { item: item }) }])),
    take(content, buffer) {
      const item = content.item ?? 0;
      const x = all[item];
      const matrices = readMatrices(buffer, x.form, x.tokens.length);
      all = all.with(item, { ...x, matrices });
    },
    prepare: () => !compared && make.prepare(all[0]),
  };
};
