/** The bundle of the views of texts. */

import { widget } from "./host/widget.js";
import { arrange } from "./views/arrange.js";
import { KEYS } from "./views/controls/help.js";

export default { render: widget(arrange, KEYS) };
