// Runs tests/node: every *.test.ts is bundled as the browser's code is, then node's own test runner takes over.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const tests = resolve(here, "../tests/node");
const wanted = process.argv[2] === "--make-vectors" ? ["make-vectors.ts"] : (await readdir(tests)).filter((name) => name.endsWith(".test.ts"));
const out = await mkdtemp(join(here, "node_modules/.zegel-tests-"));
try {
  await build({
    entryPoints: wanted.map((name) => join(tests, name)),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    nodePaths: [join(here, "node_modules")],
    packages: "bundle",
    define: { VECTORS: JSON.stringify(resolve(tests, "../vectors")) },
    logLevel: "warning",
  });
  const files = wanted.map((name) => join(out, name.replace(/\.ts$/, ".mjs")));
  const run = process.argv[2] === "--make-vectors" ? files : ["--test", ...files];
  process.exitCode = spawnSync(process.execPath, run, { stdio: "inherit" }).status ?? 1;
} finally {
  await rm(out, { recursive: true, force: true });
}
