// Builds src/ into the committed folder that the web door serves; `--check` proves that the committed bytes are
// what these sources give, and that a reader does not download more code than we promise.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const dist = resolve(here, "../src/zegel/doors/web/static/dist");
const READER_GZIP_BYTES = 60_000;

/**
 * `@noble/post-quantum` builds hybrids that we do not use when it is loaded, without saying that this has no side
 * effects; with the note added, esbuild leaves them out, and with them the NIST curves (13 kB). Nothing else changes.
 */
const pureHybrids = {
  name: "pure-hybrids",
  setup(bundler) {
    bundler.onLoad({ filter: /@noble\/post-quantum\/hybrid\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const contents = source.replace(/(?<!function )\b(QSF|createKitchenSink|ecdhKem)\(/g, "/* @__PURE__ */ $1(");
      if (contents === source) throw new Error("hybrid.js is not as we know it: look at the size of the bundle");
      return { contents, loader: "js" };
    });
  },
};

/**
 * A reader's parcel key and identity are never passphrases, and `age-encryption` cannot be told so; without scrypt there is
 * 1.5 kB less to fetch, and no header of a stranger can make a browser compute for minutes.
 */
const noPassphrases = {
  name: "no-passphrases",
  setup(bundler) {
    bundler.onLoad({ filter: /@noble\/hashes\/scrypt\.js$/ }, () => ({
      contents: 'export function scrypt() { throw new Error("no passphrases here"); }',
      loader: "js",
    }));
  },
};

async function bundle() {
  const shared = {
    absWorkingDir: here,
    outdir: dist,
    bundle: true,
    minify: true,
    write: false,
    charset: "utf8",
    legalComments: "none",
    metafile: true,
    target: ["es2022", "chrome109", "firefox115", "safari16.4"],
  };
  const [code, old, style] = await Promise.all([
    // Parts lie beside the programs: two pages share them, and they name the worker relative to themselves.
    build({ ...shared, entryPoints: { reader: "src/reader.ts", received: "src/received.ts", opener: "src/open-worker.ts", page: "src/page.ts", fill: "src/fill.ts" },
      format: "esm", splitting: true, chunkNames: "[name]-[hash]", plugins: [pureHybrids, noPassphrases], external: ["./ed25519-portable.js"] }),
    // Apart, because esbuild shares whole files between parts, and X25519 stands in the same file.
    build({ ...shared, entryPoints: { "ed25519-portable": "src/ed25519-portable.ts" }, format: "esm" }),
    build({ ...shared, entryPoints: { app: "src/style/app.css" }, loader: { ".woff2": "file", ".svg": "file" },
      assetNames: "fonts/[name]-[hash]" }),
  ]);
  const inputs = [code, old, style].flatMap(({ metafile }) => Object.keys(metafile.inputs));
  const licences = { path: join(dist, "LICENSES.txt"), contents: Buffer.from(await licencesOf(inputs)) };
  return { files: [...code.outputFiles, ...old.outputFiles, ...style.outputFiles, licences], metafile: code.metafile };
}

/** The licences of all packages that something of was built in: they ask to be carried along. */
async function licencesOf(inputs) {
  const packages = new Set(inputs.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter(Boolean));
  const parts = [];
  for (const name of [...packages].sort()) {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).sort().find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? await readFile(join(folder, file), "utf8") : "";
    parts.push(`${name} ${version}: ${license}\n\n${text.trim()}\n`);
  }
  // Most components share one licence text: each text stands once, under all its packages.
  const byText = new Map();
  for (const part of parts) {
    const [title, ...text] = part.split("\n\n");
    const body = text.join("\n\n");
    byText.set(body, [...(byText.get(body) ?? []), title]);
  }
  return [...byText].map(([body, titles]) => `${titles.join("\n")}\n\n${body}`).join(`\n${"=".repeat(100)}\n\n`);
}

async function filesUnder(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(dist, join(entry.parentPath ?? entry.path, entry.name)));
}

/** What a reader in Dutch with a current browser fetches for a message with HTML and an attachment. */
function readerPath({ outputs }) {
  const named = new Map(Object.entries(outputs).map(([path, about]) => [relative(dist, join(here, path)), about]));
  const wanted = new Set(["reader.js", "opener.js"]);
  for (const name of wanted) {
    for (const { path, kind } of named.get(name).imports) {
      const part = relative(dist, join(here, path));
      if (!named.has(part)) continue; // ed25519-portable.js, for older browsers
      const entry = named.get(part)?.entryPoint ?? "";
      if (kind === "dynamic-import" && entry.endsWith("texts.en.ts")) continue;
      wanted.add(part);
    }
  }
  return wanted;
}

const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");

const { files, metafile } = await bundle();
const built = new Map(files.map((file) => [relative(dist, file.path), file.contents]));
let reader = 0;
for (const name of readerPath(metafile)) reader += gzipSync(built.get(name), { level: 9 }).length;
if (process.argv.includes("--sizes")) {
  for (const [name, { inputs }] of Object.entries(metafile.outputs))
    for (const [path, { bytesInOutput }] of Object.entries(inputs).sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput))
      console.log(name.split("/").pop(), bytesInOutput, path);
}
if (reader > READER_GZIP_BYTES) {
  console.error(`The reader's code is ${reader} bytes gzipped; at most ${READER_GZIP_BYTES} are allowed.`);
  process.exitCode = 1;
}
if (process.argv.includes("--check")) {
  const committed = await filesUnder(dist);
  const wrong = committed.filter((name) => !built.has(name));
  for (const [name, contents] of built) {
    const there = await readFile(join(dist, name)).catch(() => null);
    if (!there || digest(there) !== digest(contents)) wrong.push(name);
  }
  if (wrong.length) {
    console.error(`Not what the sources give: ${[...new Set(wrong)].join(", ")}. Run “npm run build” and commit.`);
    process.exitCode = 1;
  }
} else {
  await rm(dist, { recursive: true, force: true });
  for (const [name, contents] of built) {
    await mkdir(dirname(join(dist, name)), { recursive: true });
    await writeFile(join(dist, name), contents);
  }
}
console.log(`${built.size} files, the reader's code ${(reader / 1000).toFixed(1)} kB gzipped`);
