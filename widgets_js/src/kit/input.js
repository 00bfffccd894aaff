/** Pointing and keys, the same in every view. */
import { mark, set } from "./dom.js";

/** With this key held the wheel zooms, a letter commands, a click adds. @param {MouseEvent | KeyboardEvent} event */
export const command = (event) => event.ctrlKey || event.metaKey;
/** @param {MouseEvent | KeyboardEvent} event */
export const adds = (event) => event.shiftKey || command(event);

/** What an event happened to. @param {Event} event @returns {any} */
export const targetOf = (event) => event.target;

/** Nobody else shall act on it. @param {Event} event */
export const consume = (event) => {
  event.preventDefault();
  event.stopPropagation();
};

/** Where a pointer is in a node, px. @param {Element} node @param {MouseEvent} event @returns {[number, number]} */
export const placeIn = (node, event) => {
  const box = node.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

/** Ctrl and the wheel zoom; without the key the wheel belongs to the page. @param {HTMLElement} node @param {(closer: boolean, event: WheelEvent) => void} zoom */
export const zooms = (node, zoom) =>
  set(node, {
    wheel(event) {
      if (!command(event)) return;
      event.preventDefault();
      zoom(event.deltaY < 0, event);
    },
  });

/** The unit that a node, or one around it, stands for. @param {EventTarget | null} node @returns {number | null} */
export const unitOf = (node) => {
  const found = /** @type {Element} */ (node).closest("[data-unit]");
  return found && Number(found.getAttribute("data-unit"));
};

/** Units are pointed at and picked in a view. @template {Element} N @param {N} node @param {import("../state/actions.js").Actions} actions */
export const points = (node, actions) =>
  set(node, {
    pointerover: (event) => actions.hover(unitOf(targetOf(event))),
    pointerleave: () => actions.hover(null),
    click(event) {
      const unit = unitOf(targetOf(event));
      if (unit !== null) actions.pick(unit, adds(event));
    },
  });

/** What is pointed at and what is selected among nodes of units. @param {Iterable<Element>} nodes @param {import("../evidence/scene.js").Scene} scene */
export const markUnits = (nodes, { state, selected }) => {
  for (const node of nodes) {
    const unit = /** @type {number} */ (unitOf(node));
    mark(node, "hot", unit === state.hover);
    mark(node, "on", selected.includes(unit));
  }
};

/**
 * One stop in the tab order for a group; arrows move inside.
 * @param {HTMLElement} group @param {string} selector of its members
 * @param {(member: HTMLElement) => void} onMove
 */
export const roving = (group, selector, onMove) => {
  set(group, {
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
      consume(event);
      if (!next) return;
      onMove(next);
      next.focus();
    },
  });
};

/** What keys do. @param {Element} node @param {(event: KeyboardEvent) => Record<string, () => unknown>} keys */
export const keyed = (node, keys) =>
  set(node, {
    keydown(event) {
      const act = keys(event)[event.key];
      if (!act) return;
      act();
      consume(event);
    },
  });
