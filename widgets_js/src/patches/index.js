/** The bundle of the view of pictures. */
import "./traits.js";
import { widget } from "../widget.js";
import { arrange } from "./arrange.js";
import { KEYS } from "./keys.js";

export default { render: widget(arrange, KEYS) };
