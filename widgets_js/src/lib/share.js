/** The exploration as a short string, which `view.state = ...` restores; the twin of `_state.py`. */
import { INITIAL, SHARED, equal } from "./store.js";

/** @param {import("./store.js").State} state */
export function shareString(state) {
  // A comparison has no target of its own, and leaves each λ as it was.
  const compares = state.target < 0;
  const rest = { ...INITIAL, lam: compares ? null : INITIAL.lam };
  const told = SHARED.filter((name) => (name === "target" ? !compares : name !== "theme" && !equal(state[name], rest[name])));
  return told
    .toSorted()
    .map((name) => `${name}=${[state[name]].flat().map(plain).join(",")}`)
    .join(";");
}

/** @param {unknown} value */
const plain = (value) => String(typeof value === "number" ? Number(value.toPrecision(10)) : value);
