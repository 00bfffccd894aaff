/** Tell when the host changes between light and dark: the canvas has to be painted again. */

const SIGNS = [
  "class",
  "style",
  "theme",
  "data-theme",
  "data-jp-theme-light",
  "data-jp-theme-name",
  "data-vscode-theme-kind",
];

/** @param {() => void} changed @returns {() => void} stop */
export const watchTheme = (changed) => {
  const observer = new MutationObserver(changed);
  for (const node of [document.documentElement, document.body])
    if (node) observer.observe(node, { attributes: true, attributeFilter: SIGNS });
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", changed);
  };
};
