/** Making nodes.  Text always goes in as text: tokens are whatever the user's input held. */

/**
 * @typedef {string | number | boolean | null | undefined | ((event: any) => void)} Value an attribute,
 *   or what happens on an event
 */
/** @typedef {Record<string, Value>} Attributes */
/** @typedef {Node | string | null | undefined | false} Child */
/** @template {string} S @typedef {S extends `${infer T}.${string}` ? T : S} TagOf */

/** @template {Element} N @param {N} node @param {Attributes} attributes */
export const setAttributes = (node, attributes) => {
  for (const [key, value] of Object.entries(attributes)) {
    // What it is called aloud.
    const name = key === "label" ? "aria-label" : key;
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === null || value === undefined || (value === false && !name.startsWith("aria")))
      node.removeAttribute(name);
    else node.setAttribute(name, value === true && !name.startsWith("aria") ? "" : String(value));
  }
  return node;
};

/** What a node holds from now on. @param {Element} node @param {Child[]} children */
export const replaceContent = (node, ...children) =>
  node.replaceChildren(.../** @type {Node[]} */ (children.filter(Boolean)));

/**
 * The same for what is drawn; nodes that are as they were stay, and need not be laid out again.
 * @param {Element} node @param {Element[]} children
 */
export const updateContent = (node, ...children) => {
  const old = [...node.children];
  children.forEach((child, i) => {
    const was = old[i];
    if (!was) node.append(child);
    else if (was.isEqualNode(child)) return;
    else if (was.nodeName + child.nodeName !== "gg") was.replaceWith(child);
    else updateContent(setAttributes(was, { opacity: child.getAttribute("opacity") }), ...child.children);
  });
  for (const one of old.slice(children.length)) one.remove();
};

/** @param {Element} node @param {string} name of a class @param {unknown} on */
export const toggleClass = (node, name, on) => node.classList.toggle(name, Boolean(on));

/** @param {any} node @param {string[]} classes @param {(Attributes | Child)[]} rest */
const filled = (node, classes, [first, ...children]) => {
  if (classes.length) setAttributes(node, { class: classes.join(" ") });
  if (first?.constructor === Object) setAttributes(node, /** @type {Attributes} */ (first));
  else children.unshift(first);
  replaceContent(node, .../** @type {Child[]} */ (children));
  return node;
};

/**
 * @template {string} S
 * @param {S} kind tag and classes: `tag.class.class`
 * @param {(Attributes | Child)[]} rest attributes, if any, then the children
 * @returns {TagOf<S> extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[TagOf<S>] : HTMLElement}
 */
export const el = (kind, ...rest) => {
  const [tag, ...classes] = kind.split(".");
  const node = document.createElement(tag);
  if (tag === "button") setAttributes(node, { type: tag });
  return filled(node, classes, rest);
};

/**
 * @template {string} S
 * @param {S} kind @param {(Attributes | Child)[]} rest
 * @returns {TagOf<S> extends keyof SVGElementTagNameMap ? SVGElementTagNameMap[TagOf<S>] : SVGElement}
 */
export const svg = (kind, ...rest) => {
  const [tag, ...classes] = kind.split(".");
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), classes, rest);
};

/**
 * A view: a node that can be drawn again.  What it measures on the page it measures in `measure`, which the
 * sheet calls for all views before the first one draws: measuring after drawing costs a layout each time.
 * @template {Element} N @template {(...now: any[]) => void} D
 * @param {N} node @param {D} draw @param {(...now: any[]) => void} [measure]
 * @returns {N & {draw: D, measure: typeof measure}}
 */
export const view = (node, draw, measure) => Object.assign(node, { draw, measure });

/** True when any argument differs from the last call's. */
export const createChangeTest = () => {
  /** @type {unknown[] | null} */
  let last = null;
  return (/** @type {unknown[]} */ ...now) => {
    const changed = !last || now.some((v, i) => v !== /** @type {unknown[]} */ (last)[i]);
    last = now;
    return changed;
  };
};

/** @param {HTMLCanvasElement | OffscreenCanvas} canvas */
export const contextOf = (canvas) => /** @type {CanvasRenderingContext2D | null} */ (canvas.getContext("2d"));

/** Of what is said in words elsewhere. */
export const HIDDEN = { "aria-hidden": true };

/** The node that tells the colours of the page. */
export const colourProbe = () => el("i", { hidden: true });

/**
 * A name for parts that SVG refers to by id.  Every widget loads its own copy of this module, so
 * counting would give the same names twice on a page.
 */
export const uniqueId = () => `calig-${Math.random().toString(36).slice(2, 10)}`;

/** @param {Element} node */
export const fontFamily = (node) => getComputedStyle(node).fontFamily;

/** @type {CanvasRenderingContext2D | null} */
let ruler = null;
/**
 * Width of a text in px.
 * @param {string} text @param {number} size @param {string} family @param {number} [weight]
 */
export const textWidth = (text, size, family, weight = 400) => {
  ruler ??= contextOf(el("canvas"));
  if (!ruler) return text.length * size * 0.55;
  ruler.font = `${weight} ${size}px ${family}`;
  return ruler.measureText(text).width;
};
