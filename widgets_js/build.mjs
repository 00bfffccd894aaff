// A bundle for the views of texts and one for the view of pictures: every widget instance carries a copy
// of its own, so each has to stay small.
import { readFile, writeFile } from "node:fs/promises";

import { build } from "esbuild";
import { minify } from "terser";

import { OURS } from "./ours.js";

/** The bundles by name, and where they begin. */
const BUNDLES = {
  calig: ["src/index.js", "src/styles.css"],
  patches: ["src/patches/index.js", "src/patches/patches.css"],
};

const common = /** @type {const} */ ({
  outdir: "../calig_nb/widgets/static",
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "info",
});

/** @param {string} out @param {string[]} files */
const entries = (out, files) => files.map((file) => ({ in: file, out }));

for (const [name, files] of Object.entries(BUNDLES)) {
  await build({
    ...common,
    entryPoints: entries(name, files),
    mangleProps: new RegExp(`^(${OURS.join("|")})$`),
  });
  // A second pass, for what esbuild leaves; unsafe only where turning a value into text does more than that.
  const bundle = `${common.outdir}/${name}.js`;
  const { code } = await minify(await readFile(bundle, "utf8"), {
    module: true,
    ecma: 2020,
    compress: { passes: 6, unsafe: true },
  });
  // Compiled in one go: nearly all of it is needed at once, and function by function takes longer.
  await writeFile(bundle, `//# allFunctionsCalledOnLoad\n${code}`);
}

// The host of exported pages, which no notebook needs.
await build({
  ...common,
  entryPoints: entries("page", ["src/page/page.js", "src/page/page.css"]),
});
