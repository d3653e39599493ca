// Bundles the bench's workers into the folder that is named: node bench/build.mjs FOLDER
import { build } from "esbuild";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

await build({
  absWorkingDir: dirname(dirname(fileURLToPath(import.meta.url))),
  entryPoints: { worker: "bench/worker.ts" },
  outdir: process.argv[2],
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome109"],
  logLevel: "warning",
});
