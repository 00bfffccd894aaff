/** The host of an exported page: it mounts the views on a model of its own. */
import { createModel } from "./host/page_model.js";

/** The whole page takes on the theme that the reader chose. @param {ReturnType<typeof createModel>} model */
const themed = (model) => {
  const follow = () => document.documentElement.setAttribute("data-theme", model.get("theme"));
  model.on("change:theme", follow);
  follow();
};

/**
 * Bring the page to life; where that fails its picture comes back.
 * @param {{render: (context: any) => void}} views
 */
export default ({ render }) => {
  const root = document.documentElement;
  if (!root.classList.contains("live")) return;
  try {
    const data = /** @type {HTMLElement} */ (document.getElementById("calig-data"));
    const model = createModel(JSON.parse(data.textContent ?? ""));
    themed(model);
    render({ model, el: document.getElementById("calig") });
    // For those who drive the page by a script.
    Object.assign(window, { calig: model });
  } catch (error) {
    root.classList.remove("live");
    throw error;
  }
};
