/** What Python's figures and these views share: one file, which Python reads as well. */
import design from "../../../calig_nb/_design.json" with { type: "json" };

export const { formats, sizes, sentences } = design;

/**
 * A template with its places filled.
 * @param {string} template @param {Record<string, string | number>} places
 */
export const fill = (template, places) => template.replaceAll(/\{(\w+)\}/g, (_, name) => `${places[name]}`);
