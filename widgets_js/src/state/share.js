/**
 * The exploration as a short string, which `view.state = ...` restores; the twin of
 * `calig_nb/widgets/state.py`.
 */
import { INITIAL, isEqual, SHARED } from "./store.js";

/** @param {import("./store.js").State} state */
export const shareString = (state) => {
  // A comparison has no target of its own, and leaves each λ as it was.
  const compares = state.target < 0;
  const rest = {
    ...INITIAL,
    lam: compares ? null : INITIAL.lam,
    target: compares ? state.target : -1,
    theme: state.theme,
  };
  return SHARED.filter((name) => !isEqual(state[name], rest[name]))
    .map((name) => `${name}=${[state[name]].flat().map(plain).join(",")}`)
    .sort()
    .join(";");
};

/** @param {unknown} value */
const plain = (value) => String(typeof value === "number" ? Number(value.toPrecision(10)) : value);
