/** The relevance rollout: a film of the layers, one large matrix, its notes, caption and table. */
import { layerName } from "../lib/format.js";
import { matrixMaker } from "../lib/matrix.js";
import { matrixStory } from "../lib/matrix_story.js";
import { captionView } from "./caption.js";
import { el, set, view } from "./dom.js";
import { matrixBoard } from "./matrix_board.js";
import { matrixNotes } from "./matrix_notes.js";
import { matrixTable } from "./matrix_table.js";
import { thumbs } from "./thumbs.js";

/** @typedef {import("../lib/scene.js").Scene} Scene */

/**
 * @param {import("../actions.js").Actions} actions
 * @param {import("../matrices.js").Matrices} matrices
 * @param {boolean} [folded] part of the workbench, behind a line that opens it
 */
export const rolloutView = (actions, matrices, folded) => {
  const film = thumbs("Layer of the matrix", "film", actions.layer);
  const board = matrixBoard(actions);
  const notes = matrixNotes(actions);
  /** @type {import("../lib/matrix.js").Matrix} */
  let matrix;
  const caption = captionView(actions, () => matrixStory(matrix));
  caption.className = "telling";
  const table = matrixTable();
  const parts = [el("div.matrix", film, el("div.stage", board, caption), notes), table];
  const fold = el("details.more.rollout", el("summary", "Rollout matrix", el("small", "which position received evidence from which word")), ...parts);
  set(fold, { toggle: () => actions.matrix.set({ matrix: fold.open }) });
  const make = matrixMaker();

  return view(folded ? fold : el("div.rollout", ...parts), (/** @type {Scene} */ scene, /** @type {number} */ width, /** @type {number} */ theme) => {
    const { x, state, rtl } = scene;
    if (folded && !(fold.open = state.matrix)) return;
    matrix = make(scene, matrices);
    const single = state.alone;
    film.draw(matrix.film, {
      names: x.weights.map((_, b) => (single || !b ? layerName(x, b) : `Up to layer ${b}`)),
      labels: x.weights.map((_, b) => (!b ? "emb." : single ? `${b}` : `to ${b}`)),
      at: matrix.b,
      limit: matrix.filmLimit,
      rtl,
      theme,
      width,
    });
    board.draw(matrix, width, theme);
    notes.draw(matrix, theme);
    caption.draw(scene);
    table.draw(matrix);
  });
};
