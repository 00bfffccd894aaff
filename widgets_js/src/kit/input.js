/** Pointing and keys, the same in every view. */
import { setAttributes, toggleClass } from "./dom.js";

/**
 * With this key held the wheel zooms, a letter commands, a click adds.
 * @param {MouseEvent | KeyboardEvent} event
 */
export const isCommand = (event) => event.ctrlKey || event.metaKey;
/** @param {MouseEvent | KeyboardEvent} event */
export const isAdding = (event) => event.shiftKey || isCommand(event);

/** What an event happened to. @param {Event} event @returns {any} */
export const eventTarget = (event) => event.target;

/** Nobody else shall act on it. @param {Event} event */
export const consumeEvent = (event) => {
  event.preventDefault();
  event.stopPropagation();
};

/**
 * At `focusin` and `focusout`: no key that is pressed there is a command of JupyterLab or Notebook 7, where a
 * letter may delete a cell.  Commands belong to whatever has the focus, so it is that node which refuses them.
 * @param {Event} event
 */
export const keepKeys = (event) =>
  eventTarget(event).toggleAttribute("data-lm-suppress-shortcuts", event.type === "focusin");

/**
 * Where a pointer is in a node, px.
 * @param {Element} node @param {MouseEvent} event @returns {[number, number]}
 */
export const pointerPlace = (node, event) => {
  const box = node.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

/**
 * Ctrl and the wheel zoom; without the key the wheel belongs to the page.
 * @param {HTMLElement} node @param {(closer: boolean, event: WheelEvent) => void} zoom
 */
export const listenToZoom = (node, zoom) =>
  setAttributes(node, {
    wheel(event) {
      if (!isCommand(event)) return;
      event.preventDefault();
      zoom(event.deltaY < 0, event);
    },
  });

/**
 * The unit that a node, or one around it, stands for.
 * @param {EventTarget | null} node @returns {number | null}
 */
export const unitOfNode = (node) => {
  const found = /** @type {Element} */ (node).closest("[data-unit]");
  return found && Number(found.getAttribute("data-unit"));
};

/**
 * Units are pointed at and picked in a view.
 * @template {Element} N @param {N} node @param {import("../state/actions.js").Actions} actions
 */
export const listenToUnits = (node, actions) =>
  setAttributes(node, {
    pointerover: (event) => actions.hover(unitOfNode(eventTarget(event))),
    pointerleave: () => actions.hover(null),
    click(event) {
      const unit = unitOfNode(eventTarget(event));
      if (unit !== null) actions.pick(unit, isAdding(event));
    },
  });

/**
 * What is pointed at and what is selected among nodes of units.
 * @param {Iterable<Element>} nodes @param {import("../evidence/scene.js").Scene} scene
 */
export const markUnits = (nodes, { state, selected }) => {
  for (const node of nodes) {
    const unit = /** @type {number} */ (unitOfNode(node));
    toggleClass(node, "hot", unit === state.hover);
    toggleClass(node, "on", selected.includes(unit));
  }
};

/**
 * One stop in the tab order for a group; arrows move inside.
 * @param {HTMLElement} group @param {string} selector of its members
 * @param {(member: HTMLElement) => void} onMove
 */
export const moveFocusByArrows = (group, selector, onMove) => {
  setAttributes(group, {
    keydown(event) {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[
        /** @type {string} */ (event.key)
      ];
      const end = { Home: 0, End: -1 }[/** @type {string} */ (event.key)];
      if (step === undefined && end === undefined) return;
      const members = /** @type {HTMLElement[]} */ ([...group.querySelectorAll(selector)]).filter(
        (m) => m.getAttribute("aria-disabled") !== "true" && !m.hidden,
      );
      const at = members.indexOf(/** @type {any} */ (group.getRootNode()).activeElement);
      if (at < 0) return;
      const next = members.at(end ?? (at + (step ?? 0)) % members.length);
      consumeEvent(event);
      if (!next) return;
      onMove(next);
      next.focus();
    },
  });
};

/**
 * What keys do.
 * @param {Element} node @param {(event: KeyboardEvent) => Record<string, () => unknown>} keys
 */
export const listenToKeys = (node, keys) =>
  setAttributes(node, {
    keydown(event) {
      const act = keys(event)[event.key];
      if (!act) return;
      act();
      consumeEvent(event);
    },
  });
