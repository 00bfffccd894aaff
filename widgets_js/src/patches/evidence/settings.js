/**
 * What the view of a picture shares with Python beyond what all views share: how densely the map lies on
 * the picture.
 */
import { addTrait, INITIAL } from "../../state/store.js";

/**
 * @typedef {import("../../state/store.js").State & {opacity: number, faint: number | null}}
 *   State faint: the opacity while it is dragged
 */
/** @typedef {import("../../evidence/scene.js").Scene & {state: State}} Scene */

addTrait("opacity", 0.7);
// Every patch is a piece of its own.
INITIAL.granularity = "token";
