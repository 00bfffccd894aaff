// One bundle for all views: every widget instance carries a copy of it, so it has to stay small.
import { build } from "esbuild";

import { OURS } from "./ours.js";

await build({
  entryPoints: [
    { in: "src/index.js", out: "calig" },
    { in: "src/styles.css", out: "calig" },
  ],
  outdir: "../calig_nb/widgets/static",
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  minify: true,
  mangleProps: new RegExp(`^(${OURS.join("|")})$`),
  charset: "utf8",
  legalComments: "none",
  logLevel: "info",
});
