// A bundle for the views of texts, one for the views of pictures, and the host of exported pages.  Every
// widget instance carries a copy of its own, so each has to stay small.
import { build } from "esbuild";

/** The bundles by name, and where they begin. */
const BUNDLES = {
  calig: { script: "src/texts.js", style: "src/styles/texts.css" },
  patches: { script: "src/pictures.js", style: "src/styles/pictures.css" },
  page: { script: "src/page.js", style: "src/styles/page.css" },
};

await build({
  entryPoints: Object.entries(BUNDLES).flatMap(([out, files]) =>
    Object.values(files).map((file) => ({ in: file, out })),
  ),
  outdir: "../calig_nb/widgets/static",
  // Compiled in one go: nearly all of a bundle is needed at once, and function by function takes longer.
  banner: { js: "//# allFunctionsCalledOnLoad" },
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "info",
});
