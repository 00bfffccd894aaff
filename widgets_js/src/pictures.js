/** The bundle of the views of pictures. */
import "./patches/evidence/settings.js";
import { widget } from "./host/widget.js";
import { arrange } from "./patches/arrange.js";
import { COMPARED, KEYS } from "./patches/keys.js";

export default {
  /** @param {Parameters<ReturnType<typeof widget>>[0]} context */
  render: (context) =>
    widget(arrange, context.model.get("_view") === "comparison" ? COMPARED : KEYS)(context),
};
