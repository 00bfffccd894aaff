/** The relevance rollout: a film of the layers, one large matrix, its notes, caption and table. */
import { fill, sentences } from "../../evidence/design.js";
import { layerInSentence, layerName } from "../../evidence/format.js";
import { createMatrixMaker } from "../../evidence/matrix.js";
import { el, setAttributes, view } from "../../kit/dom.js";
import { matrixStory } from "../../wording/matrix_story.js";
import { captionView } from "../controls/caption.js";
import { matrixBoardView } from "./board.js";
import { matrixNotesView } from "./notes.js";
import { matrixTableView } from "./table.js";
import { thumbsView } from "./thumbs.js";

/** @typedef {import("../../evidence/scene.js").Scene} Scene */

/**
 * @param {import("../../state/actions.js").Actions} actions
 * @param {import("../../state/matrix_source.js").MatrixSource} matrixSource
 * @param {boolean} [folded] part of the workbench, behind a line that opens it
 */
export const rolloutView = (actions, matrixSource, folded) => {
  const film = thumbsView("Layer of the matrix", "film", actions.layer);
  const board = matrixBoardView(actions);
  const notes = matrixNotesView(actions);
  /** @type {import("../../evidence/matrix.js").Matrix} */
  let matrix;
  const caption = captionView(actions, () => matrixStory(matrix));
  caption.className = "telling";
  const table = matrixTableView();
  const parts = [el("div.matrix", film, el("div.stage", board, caption), notes), table];
  const fold = el(
    "details.more.rollout",
    el("summary", sentences.matrix.title, el("small", sentences.matrix.subtitle)),
    ...parts,
  );
  setAttributes(fold, { toggle: () => actions.matrix.set({ matrix: fold.open }) });
  const make = createMatrixMaker();

  return view(
    folded ? fold : el("div.rollout", ...parts),
    (/** @type {Scene} */ scene, /** @type {number} */ width, /** @type {number} */ theme) => {
      const { x, state, rtl } = scene;
      if (folded) fold.open = state.matrix;
      if (folded && !state.matrix) return;
      matrix = make(scene, matrixSource);
      const single = state.alone;
      film.draw(matrix.film, {
        names: x.weights.map((_, b) =>
          single || !b ? layerName(x, b) : fill(sentences.matrix.up_to, { layer: layerInSentence(x, b) }),
        ),
        labels: x.weights.map((_, b) =>
          !b ? sentences.layers.short : single ? `${b}` : fill(sentences.layers.to, { layer: b }),
        ),
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
    },
  );
};
