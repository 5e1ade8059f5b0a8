import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "..");

/**
 * Bundles source modules into one program, because Node 20 cannot run TypeScript: one, so that a class is the same class
 * wherever it is looked at.
 */
export async function bundled(modules, outfile) {
  await build({
    stdin: { contents: modules.map((path) => `export * from "./${path}";`).join("\n"), resolveDir: root, loader: "ts" },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
  });
  return outfile;
}

/** What the modules export, all together. */
export async function fromSource(modules) {
  const folder = scratch();
  const file = await bundled(modules, join(folder, "source.mjs"));
  return import(pathToFileURL(file).href);
}

const folders = [];
process.on("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone when the program ends; under `PERDURE_BENCH`, where a disk is to be measured. */
export function scratch() {
  const folder = mkdtempSync(join(process.env.PERDURE_BENCH ?? tmpdir(), "perdure-bench-"));
  folders.push(folder);
  return folder;
}

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
const round = (value) => Math.round(value * 1000) / 1000;

const machine = {
  node: process.version,
  git: execFileSync("git", ["--version"], { encoding: "utf8" }).trim().split(" ")[2],
  system: `${process.platform} ${process.arch}, ${availableParallelism()} cores`,
};

/** One result as one line of JSON. */
export const report = (name, facts) => console.log(JSON.stringify({ name, ...facts, ...machine }));

/** Durations in milliseconds as median, 95th percentile and number. */
export function reportTimes(name, times, more = {}) {
  const sorted = [...times].sort((a, b) => a - b);
  report(name, {
    unit: "ms",
    median: round(quantile(sorted, 0.5)),
    p95: round(quantile(sorted, 0.95)),
    n: times.length,
    ...more,
  });
}

/** Milliseconds that the work took. */
export async function timed(work) {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}
