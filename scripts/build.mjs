// Bundles the executables into dist/, which is checked in: a workflow that says `uses: …@v1` runs it without an install.
//
//   node scripts/build.mjs           writes dist/
//   node scripts/build.mjs --check   writes nothing, and fails when dist/ is not what the source builds
//
// The same source gives the same bytes on every machine, so a reviewer can trust what he did not read.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** What is built: a name in dist/, the file that starts it, and whether a person may type its name. */
const entries = [{ name: "cli", from: "src/entry/cli-main.ts", executable: true }];

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const shebang = "#!/usr/bin/env node\n";
// Bundled CommonJS packages ask for Node's modules with `require`, which a module does not have.
const requireShim =
  'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);';

const check = process.argv.includes("--check");
generateValidators();
const files = await bundle();
if (check) compare(files);
else write(files);

/** The validators are source to the bundle, and are themselves made from schemas/. */
function generateValidators() {
  const script = join(root, "scripts/validators.mjs");
  if (!existsSync(script)) return;
  const { status } = spawnSync(process.execPath, [script, ...(check ? ["--check"] : [])], { stdio: "inherit" });
  if (status !== 0) process.exit(1);
}

/** Every file of dist/ by its path below it, in order. */
async function bundle() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries.map(({ name, from }) => ({ in: from, out: name })),
    outdir: "dist",
    write: false,
    metafile: true,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    // What is imported with import() becomes a file of its own, read only by those who need it.
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    // Names are kept, so that a stack trace from a user's log can be read.
    minifyWhitespace: true,
    minifySyntax: true,
    charset: "utf8",
    // All licences stand in licenses.txt, whole, and not in pieces between the code.
    legalComments: "none",
    banner: { js: requireShim },
    logLevel: "warning",
    // esbuild has said what and where by then; its stack would say it again.
  }).catch(() => process.exit(1));
  const built = outputFiles.map(({ path, text }) => [slashes(relative(dist, path)), withShebang(path, text)]);
  const all = [...built, ["licenses.txt", licences(metafile)]].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [path, text] of all) {
    const local = ["src", "node_modules"].map((folder) => join(root, folder, sep)).find((it) => text.includes(it));
    if (local) fail(`dist/${path} names ${local}, a folder of this machine.`, "Find what puts it there.");
  }
  return new Map(all);
}

function withShebang(path, text) {
  return isExecutable(relative(dist, path)) && !text.startsWith("#!") ? shebang + text : text;
}

function isExecutable(path) {
  return entries.some(({ name, executable }) => executable && path === `${name}.js`);
}

/** The licence of every package that has a byte in the bundle, as its authors ask. */
function licences(metafile) {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
  const folders = new Set(inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []));
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const file = readdirSync(join(root, folder))
      .sort()
      .find((entry) => /^licen[cs]e/i.test(entry));
    if (!file && !license) fail(`${name} has no licence.`, "A package without one cannot be bundled.");
    const text = file ? readFileSync(join(root, folder, file), "utf8") : `The package says: ${license}.`;
    return `${name} ${version} (${license ?? "see below"})\n\n${text.replaceAll("\r\n", "\n").trim()}\n`;
  });
  return ["The bundles in this folder contain these packages.\n", ...texts].join(`\n${"-".repeat(80)}\n\n`);
}

function write(files) {
  // Whole, because the name of a chunk changes with its content.
  rmSync(dist, { recursive: true, force: true });
  for (const [path, text] of files) {
    mkdirSync(dirname(join(dist, path)), { recursive: true });
    writeFileSync(join(dist, path), text, { mode: isExecutable(path) ? 0o755 : 0o644 });
  }
  const bytes = [...files.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  console.log(`dist: ${files.size} files, ${(bytes / 1e6).toFixed(2)} MB`);
}

function compare(files) {
  const present = existsSync(dist) ? readdirSync(dist, { recursive: true, encoding: "utf8" }).map(slashes) : [];
  const there = new Set(present.filter((path) => statSync(join(dist, path)).isFile()));
  const faults = [
    ...[...files].flatMap(([path, text]) => {
      if (!there.has(path)) return [`missing  dist/${path}`];
      if (!readFileSync(join(dist, path)).equals(Buffer.from(text))) return [`differs  dist/${path}`];
      return isExecutable(path) && !canRun(path) ? [`not executable  dist/${path}`] : [];
    }),
    ...[...there].filter((path) => !files.has(path)).map((path) => `left over  dist/${path}`),
  ];
  if (faults.length > 0) fail(faults.join("\n"), "Run `npm run build` and commit dist/ with the source.");
  console.log(`dist: ${files.size} files are what the source builds`);
}

/** Windows keeps no such bit in the file; git does. */
function canRun(path) {
  return process.platform === "win32" || (statSync(join(dist, path)).mode & 0o111) !== 0;
}

function slashes(path) {
  return path.split(sep).join("/");
}

function fail(what, fix) {
  console.error(`${what}\n${fix}`);
  process.exit(1);
}
