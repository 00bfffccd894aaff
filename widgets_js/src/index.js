/** The bundle of the views of texts. */
import { arrange } from "./views/arrange.js";
import { KEYS } from "./views/help.js";
import { widget } from "./widget.js";

export default { render: widget(arrange, KEYS) };
