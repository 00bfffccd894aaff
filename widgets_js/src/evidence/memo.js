/**
 * Remember the last result; arguments are compared by identity.
 * @template {any[]} A @template R
 * @param {(...args: A) => R} f
 * @returns {(...args: A) => R}
 */
export const memo = (f) => {
  /** @type {A | undefined} */
  let last;
  /** @type {R} */
  let result;
  return (...args) => {
    const known = last;
    if (!known || args.some((a, i) => a !== known[i])) {
      result = f(...args);
      last = args;
    }
    return result;
  };
};
