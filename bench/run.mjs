import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { reportTimes, scratch } from "./support.mjs";

// What a run costs in time, with the built command line on a real repository. Prints JSON lines. The steps do nothing,
// so that what is left is orchestration: each is durable before the next begins, snapshot and projections included.
const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const rounds = Number(process.env.ROUNDS ?? 15);
const folder = scratch();
const repo = join(folder, "repo");
const env = { ...process.env, PERDURE_HOME: join(folder, "home") };

const noops = (count) =>
  Array.from({ length: count }, (_, index) => `  - { id: s${index}, condition: "true" }\n`).join("");
const definitions = {
  one: `steps:\n${noops(1)}`,
  chain: `steps:\n${noops(500)}`,
  fan: `type: parallel\nmax_concurrent: 50\nsteps:\n${noops(50)}`,
  fifty: `steps:\n${noops(50)}`,
};
mkdirSync(join(repo, ".github", "perdure"), { recursive: true });
for (const [name, steps] of Object.entries(definitions)) {
  writeFileSync(join(repo, ".github", "perdure", `${name}.yaml`), `name: ${name}\nversion: "1.0.0"\n${steps}`);
}
const git = (...args) => execFileSync("git", args, { cwd: repo, env });
git("init", "--quiet", "--initial-branch", "main");
git("add", "--all");
git("-c", "user.name=bench", "-c", "user.email=bench@invalid", "commit", "--quiet", "--message", "Begin");

const perdure = (...args) => {
  const began = Date.now();
  const { status, stderr } = spawnSync(process.execPath, [cli, ...args, "--repo", repo], { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`perdure ${args.join(" ")} ended with ${status}: ${stderr}`);
  return began;
};
const journal = (run) => {
  const text = execFileSync(process.execPath, [cli, "logs", run, "--json", "--repo", repo], {
    env,
    encoding: "utf8",
    maxBuffer: 1e8,
  });
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .map((event) => ({ ...event, at: Date.parse(event.at) }));
};
const spread = (workflow, steps) =>
  Array.from({ length: rounds }, (_, round) => {
    perdure("run", workflow, "--run", `${workflow}-${round}`);
    const events = journal(`${workflow}-${round}`);
    const first = events.find(({ type }) => type === "step.started").at;
    return (events.findLast(({ type }) => type === "step.completed").at - first) / steps;
  });

reportTimes("orchestration of a step, 500 in a row", spread("chain", 500));
reportTimes("orchestration of a step, 50 at once", spread("fan", 50));
reportTimes(
  "process start to first step",
  Array.from({ length: rounds }, (_, round) => {
    const began = perdure("run", "one", "--run", `one-${round}`);
    return journal(`one-${round}`).find(({ type }) => type === "step.started").at - began;
  }),
);
reportTimes(
  "node alone, start to end",
  Array.from({ length: rounds }, () => {
    const began = performance.now();
    spawnSync(process.execPath, ["-e", "0"]);
    return performance.now() - began;
  }),
);

/** A run of 500 steps that is killed about half way, and how long a new process takes from its start to a new step. */
async function recovery(round) {
  const run = `killed-${round}`;
  const wal = join(repo, ".git", "perdure");
  const child = spawn(process.execPath, [cli, "run", "chain", "--run", run, "--json", "--repo", repo], {
    env,
    stdio: "ignore",
  });
  await halfWay(child, join(wal, "wal"), run);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
  const began = perdure("resume", run);
  const events = journal(run);
  const claim = events.findLastIndex(({ type }) => type === "lease.claimed");
  return events.slice(claim).find(({ type }) => type === "step.started").at - began;
}

/** Waits until the write-ahead file of the run has about half of its steps. */
async function halfWay(child, folder, run) {
  const { readdirSync, statSync } = await import("node:fs");
  for (const until = Date.now() + 10_000; Date.now() < until && child.exitCode === null; ) {
    try {
      const size = readdirSync(folder)
        .filter((file) => file.startsWith(`${run}.`))
        .reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
      if (size > 40_000) return;
    } catch {
      // Not there yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const recoveries = [];
for (let round = 0; round < rounds; round += 1) {
  // A run that was over before it could be killed says nothing about recovery.
  const taken = await recovery(round).catch(() => undefined);
  if (taken !== undefined) recoveries.push(taken);
}
reportTimes("killed half way, process start to the first new step", recoveries);
