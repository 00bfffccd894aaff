/** The relevance rollout: a film of the layers, one large matrix, its notes, caption and table. */
import { layerName } from "../lib/format.js";
import { matrixMaker } from "../lib/matrix.js";
import { matrixStory } from "../lib/matrix_story.js";
import { captionView } from "./caption.js";
import { el } from "./dom.js";
import { matrixBoard } from "./matrix_board.js";
import { matrixNotes } from "./matrix_notes.js";
import { matrixTable } from "./matrix_table.js";
import { thumbs } from "./thumbs.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */

/**
 * @param {import("../actions.js").Actions} actions
 * @param {import("../matrices.js").Matrices} matrices
 * @param {{folded: boolean}} options folded: part of the workbench, behind a line that opens it
 */
export function rolloutView(actions, matrices, { folded }) {
  const film = thumbs("Layer of the matrix", "film", actions.layer);
  const board = matrixBoard(actions);
  const notes = matrixNotes(actions);
  /** @type {import("../lib/matrix.js").Matrix} */
  let matrix;
  const caption = captionView(actions, () => matrixStory(matrix));
  caption.className = "telling";
  const table = matrixTable();
  const parts = [el("div", { class: "matrix" }, film, el("div", { class: "stage" }, board, caption), notes), table];
  const summary = el("summary", {}, "Rollout matrix", el("small", {}, "which position received evidence from which word"));
  const root = folded ? el("details", { class: "more rollout" }, summary, ...parts) : el("div", { class: "rollout" }, ...parts);
  if (folded) root.addEventListener("toggle", () => actions.matrix.set({ matrix: /** @type {HTMLDetailsElement} */ (root).open }));
  const make = matrixMaker();

  return Object.assign(root, {
    /** @param {Scene} scene @param {number} width @param {number} theme */
    draw(scene, width, theme) {
      if (folded) {
        /** @type {HTMLDetailsElement} */ (root).open = scene.state.matrix;
        if (!scene.state.matrix) return;
      }
      matrix = make(scene, matrices);
      const L = scene.x.weights.length;
      const layers = [...Array(L).keys()];
      const single = scene.state.alone;
      film.draw(matrix.film, {
        names: layers.map((b) => (single || !b ? layerName(b, L) : `Up to layer ${b}`)),
        labels: layers.map((b) => (b === 0 ? "emb." : single ? String(b) : `to ${b}`)),
        at: matrix.b,
        limit: matrix.filmLimit,
        rtl: scene.rtl,
        theme,
      });
      board.draw(matrix, width, theme);
      notes.draw(matrix, theme);
      caption.draw(scene);
      table.draw(matrix);
    },
  });
}
