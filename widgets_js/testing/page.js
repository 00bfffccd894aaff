/** A page to mount views on: what a browser has and jsdom lacks.  Drawing itself is tested in a browser. */
import { JSDOM } from "jsdom";

export const { window } = new JSDOM("<!doctype html><main></main>", { pretendToBeVisual: true });

/** Observers of sizes that are at work. */
export const observers = new Set();
/** How many listen to the colour scheme. */
export const media = { listeners: 0 };

window.HTMLCanvasElement.prototype.getContext = () => null;
Object.defineProperty(window.HTMLElement.prototype, "clientWidth", { get: () => 800 });
Object.assign(globalThis, {
  window,
  document: window.document,
  getComputedStyle: window.getComputedStyle,
  requestAnimationFrame: window.requestAnimationFrame,
  cancelAnimationFrame: window.cancelAnimationFrame,
  MutationObserver: window.MutationObserver,
  Option: window.Option,
  Element: window.Element,
  HTMLElement: window.HTMLElement,
  SVGElement: window.SVGElement,
  matchMedia: () => ({
    matches: false,
    addEventListener: () => media.listeners++,
    removeEventListener: () => media.listeners--,
  }),
  ResizeObserver: class {
    observe = () => observers.add(this);
    disconnect = () => observers.delete(this);
  },
});

/**
 * All is drawn: what was asked for later has come, and two frames have passed, however slow the machine is.
 */
export async function settle() {
  await new Promise((done) => setTimeout(done, 50));
  for (let i = 0; i < 2; i++) await new Promise((done) => window.requestAnimationFrame(done));
}
