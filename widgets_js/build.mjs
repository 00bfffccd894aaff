// One bundle for all views: every widget instance carries a copy of it, so it has to stay small.
import { build } from "esbuild";

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
  charset: "utf8",
  legalComments: "none",
  define: { "define.amd": "false" },
  logLevel: "info",
});
