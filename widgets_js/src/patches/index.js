/** The bundle of the views of pictures. */
import "./traits.js";
import { widget } from "../widget.js";
import { arrange } from "./arrange.js";
import { COMPARED, KEYS } from "./keys.js";

export default {
  /** @param {Parameters<ReturnType<typeof widget>>[0]} context */
  render: (context) => widget(arrange, context.model.get("_view") === "comparison" ? COMPARED : KEYS)(context),
};
