// One bundle for all views: every widget instance carries a copy of it, so it has to stay small.
import { readFile, writeFile } from "node:fs/promises";

import { build } from "esbuild";
import { minify } from "terser";

import { OURS } from "./ours.js";

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

await build({
  ...common,
  entryPoints: [
    { in: "src/index.js", out: "calig" },
    { in: "src/styles.css", out: "calig" },
  ],
  mangleProps: new RegExp(`^(${OURS.join("|")})$`),
});

// A second pass, for what esbuild leaves.
const bundle = `${common.outdir}/calig.js`;
const { code } = await minify(await readFile(bundle, "utf8"), {
  module: true,
  ecma: 2020,
  compress: { passes: 3 },
});
await writeFile(bundle, `${code}\n`);

// The host of exported pages, which no notebook needs.
await build({
  ...common,
  entryPoints: [
    { in: "src/page/page.js", out: "page" },
    { in: "src/page/page.css", out: "page" },
  ],
});
