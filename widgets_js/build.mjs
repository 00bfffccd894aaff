// A bundle for the views of texts, one for the views of pictures, and the host of exported pages.  Every
// widget instance carries a copy of its own, so each has to stay small.
import { readFile } from "node:fs/promises";
import { build } from "esbuild";
import design from "../calig_nb/_design.json" with { type: "json" };

/** The bundles by name, and where they begin. */
const BUNDLES = {
  calig: { script: "src/texts.js", style: "src/styles/texts.css" },
  patches: { script: "src/pictures.js", style: "src/styles/pictures.css" },
  keys: { script: "src/keys.js" },
  page: { script: "src/page.js", style: "src/styles/page.css" },
};

/** In a style sheet `--design(ink)` stands for that colour in both themes. */
const colours = {
  name: "colours",
  setup({ onLoad }) {
    const { light, dark } = design.colours;
    onLoad({ filter: /\.css$/ }, async ({ path }) => ({
      loader: "css",
      contents: (await readFile(path, "utf8")).replaceAll(/--design\((\w+)\)/g, (_, role) => {
        if (!light[role] || !dark[role]) throw new Error(`${path}: there is no colour ${role}`);
        return `light-dark(${light[role]}, ${dark[role]})`;
      }),
    }));
  },
};

await build({
  entryPoints: Object.entries(BUNDLES).flatMap(([out, files]) =>
    Object.values(files).map((file) => ({ in: file, out })),
  ),
  outdir: "../calig_nb/widgets/static",
  // Compiled in one go: nearly all of a bundle is needed at once, and function by function takes longer.
  banner: { js: "//# allFunctionsCalledOnLoad" },
  bundle: true,
  plugins: [colours],
  format: "esm",
  platform: "browser",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "info",
});
