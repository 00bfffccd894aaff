/** The bundle beside buttons of ipywidgets: in a box of ours they keep their keys, as the views do. */
import { eventTarget, keepKeys } from "./kit/input.js";

export default {
  render() {
    const stop = new AbortController();
    /** @param {Event} event */
    const mark = (event) => eventTarget(event).closest(".calig-box") && keepKeys(event);
    for (const name of ["focusin", "focusout"])
      document.addEventListener(name, mark, { signal: stop.signal });
    return () => stop.abort();
  },
};
