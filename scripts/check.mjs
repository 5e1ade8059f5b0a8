// Everything that must hold before a commit, in one command and under a minute: `npm run check`.
// One line for each check, the whole output of what failed, and at the end how many tests really ran.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "perdure-check-"));
const report = join(scratch, "unit.json");

/** The longest first, because two run at a time: more than that is slower on two cores. */
const checks = [
  {
    name: "unit tests",
    command: "vitest run --project unit",
    more: `--reporter default --reporter json --outputFile="${report}"`,
  },
  { name: "lint and format", command: "biome ci --error-on-warnings", more: "--colors=off" },
  { name: "dist is built from src", command: "node scripts/build.mjs --check" },
  { name: "types", command: "tsc" },
  { name: "dead code", command: "knip --treat-config-hints-as-errors", more: "--no-progress" },
];
const atOnce = 2;

const queue = [...checks];
const failed = [];
await Promise.all(Array.from({ length: atOnce }, worker));
for (const { name, command, output } of failed) console.log(`\n--- ${name}: ${command}\n\n${output.trimEnd()}`);
const tests = countTests();
rmSync(scratch, { recursive: true, force: true });
console.log(failed.length > 0 ? `\nFailed: ${failed.map(({ name }) => name).join(", ")}` : "");
console.log(tests.summary);
process.exitCode = failed.length > 0 || !tests.ran ? 1 : 0;

async function worker() {
  for (let check = queue.shift(); check; check = queue.shift()) {
    const started = performance.now();
    const { code, output } = await run(`${check.command} ${check.more ?? ""}`);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${code === 0 ? "ok  " : "FAIL"}  ${check.name.padEnd(24)}${seconds.padStart(6)} s`);
    if (code !== 0) failed.push({ ...check, output });
  }
}

function run(command) {
  const { FORCE_COLOR: _, ...env } = process.env;
  const PATH = [join(root, "node_modules", ".bin"), env.PATH].join(delimiter);
  const child = spawn(command, {
    cwd: root,
    // With a shell, so that Windows finds the .cmd files of node_modules/.bin.
    shell: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...env, PATH, NO_COLOR: "1" },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: 1, output: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** From the runner's own report: a check that ran no test must not look like one that passed them. */
function countTests() {
  let result;
  try {
    result = JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return { ran: false, summary: "Tests: the runner left no report" };
  }
  const { numTotalTests, numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = result;
  const skipped = numPendingTests + numTodoTests;
  const counts = `${numPassedTests} passed, ${numFailedTests} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
  return { ran: numTotalTests > 0, summary: `Tests: ${counts} (${testResults.length} files)` };
}
