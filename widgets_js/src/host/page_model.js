/**
 * Stands in for the notebook's model in a page that was exported: what a kernel would answer it
 * takes from the page's own data, or says that it cannot.
 */

/** @typedef {(string | number)[]} Path where a value stands among the traits */
/**
 * @typedef {object} Contents what the page brings along
 * @property {Record<string, any>} traits
 * @property {[Path, string][]} bytes binary traits, in base64
 * @property {string[]} matrices deflated, in base64; one for each explanation
 * @property {string} refusal what is said to a question that needs the notebook
 */

/** @param {string} base64 */
export const decodeBase64 = (base64) => {
  const raw = atob(base64);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
};

/** @param {string} base64 */
const inflated = (base64) =>
  new Response(
    new Blob([decodeBase64(base64)]).stream().pipeThrough(new DecompressionStream("deflate")),
  ).arrayBuffer();

/** The traits with the binary ones in their places. @param {Contents} contents */
export const readTraits = ({ traits, bytes }) => {
  for (const [path, base64] of bytes) {
    const last = path.length - 1;
    const holder = path.slice(0, last).reduce((at, step) => at[step], /** @type {any} */ (traits));
    holder[path[last]] = new DataView(decodeBase64(base64).buffer);
  }
  return traits;
};

/** What anywidget hands to a view, without a notebook. @param {Contents} contents */
export const createModel = (contents) => {
  const values = readTraits(contents);
  /** @type {Map<string, Set<(...args: any[]) => void>>} */
  const listeners = new Map();
  /** @param {string} event */
  const heard = (event) => {
    const all = listeners.get(event) ?? new Set();
    listeners.set(event, all);
    return all;
  };
  const emit = (/** @type {string} */ event, /** @type {any[]} */ ...args) => {
    for (const callback of [...heard(event)]) callback(...args);
  };
  /** @param {any} question @returns {Promise<any[]>} what is said, and the buffers */
  const answer = async (question) => {
    if (question.kind !== "matrices") return [{ ...question, error: contents.refusal }, []];
    return [question, [new DataView(await inflated(contents.matrices[question.item ?? 0]))]];
  };
  return {
    get: (/** @type {string} */ name) => values[name],
    set(/** @type {string} */ name, /** @type {any} */ value) {
      if (Object.is(values[name], value)) return;
      values[name] = value;
      emit(`change:${name}`);
    },
    save_changes() {},
    send: (/** @type {any} */ question) => answer(question).then((said) => emit("msg:custom", ...said)),
    on: (/** @type {string} */ event, /** @type {any} */ callback) => void heard(event).add(callback),
    off: (/** @type {string} */ event, /** @type {any} */ callback) => void heard(event).delete(callback),
  };
};
