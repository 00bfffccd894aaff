/** Making nodes.  Text always goes in as text: tokens are whatever the user's input held. */

/** @typedef {string | number | boolean | null | undefined} Value */
/** @typedef {Node | string | null | undefined | false} Child */

/** @param {Element} node @param {Record<string, Value>} attributes */
export function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
}

/** @param {Element} node @param {Child[]} children */
function fill(node, children) {
  for (const child of children) if (child) node.append(child);
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, Value>} [attributes]
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  set(node, attributes);
  fill(node, children);
  return node;
}

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, Value>} [attributes]
 * @param {Child[]} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  set(node, attributes);
  fill(node, children);
  return node;
}

/** True when any argument differs from the last call's. */
export function differ() {
  /** @type {unknown[] | null} */
  let last = null;
  return (/** @type {unknown[]} */ ...now) => {
    const changed = !last || now.some((v, i) => v !== /** @type {unknown[]} */ (last)[i]);
    last = now;
    return changed;
  };
}

/**
 * One stop in the tab order for a group; arrows move inside.
 * @param {HTMLElement} group @param {string} selector of its members
 * @param {(member: HTMLElement) => void} onMove
 */
export function roving(group, selector, onMove) {
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const ends = { Home: 0, End: -1 }[event.key];
    if (step === undefined && ends === undefined) return;
    const members = /** @type {HTMLElement[]} */ ([...group.querySelectorAll(selector)]).filter(
      (m) => m.getAttribute("aria-disabled") !== "true" && !m.hidden,
    );
    const at = members.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const root = group.getRootNode();
    const now = at >= 0 ? at : members.indexOf(/** @type {any} */ (root).activeElement);
    if (now < 0) return;
    const next = ends !== undefined ? members.at(ends) : members[(now + (step ?? 0) + members.length) % members.length];
    event.preventDefault();
    event.stopPropagation();
    if (!next) return;
    onMove(next);
    next.focus();
  });
}

/**
 * A name for parts that SVG refers to by id.  Every widget loads its own copy of this module, so
 * counting would give the same names twice on a page.
 */
export const instance = () => `calig-${Math.random().toString(36).slice(2, 10)}`;

/** @type {CanvasRenderingContext2D | null} */
let ruler = null;
/** Width of a text in px. @param {string} text @param {number} size @param {string} family @param {number} [weight] */
export function textWidth(text, size, family, weight = 400) {
  ruler ??= document.createElement("canvas").getContext("2d");
  if (!ruler) return text.length * size * 0.55;
  ruler.font = `${weight} ${size}px ${family}`;
  return ruler.measureText(text).width;
}
