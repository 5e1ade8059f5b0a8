import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ProblemError, problem } from "../../../core/problem.ts";
import { packageFolder } from "../../assets.ts";
import type { Common, Options } from "../common.ts";
import { exitCode } from "../exit-codes.ts";
import type { Output } from "../output.ts";

const run = "demo";
const branch = "feature/refresh";
const task = "Implement token refresh";

/** The step in whose middle the plug is pulled, and how long it has had by then, in milliseconds. */
const plug = { scripted: { step: "fix@3", after: 900 }, real: { step: "execute@1", after: 8_000 } } as const;

/**
 * The third example of the development cycle, for real: a repository with a failing test, three fixes that miss, a
 * devil's advocate that does not, and a SIGKILL in the middle. With the scripted agent nothing but the agent's words
 * is recorded: the edits, the tests, the kill and the recovery happen.
 */
export async function demo({ out }: Common, _: readonly string[], options: Options): Promise<number> {
  const agent = typeof options["agent"] === "string" ? options["agent"] : "scripted";
  const example = join(packageFolder(), "examples", "token-refresh");
  const repo = makeRepository(example);
  out.note(`A small TypeScript repository with a failing test: ${repo}`);
  out.note(failingTest(repo));
  out.note(
    agent === "scripted"
      ? `\nThe agent is scripted: its words and edits are a recording, no model is called. Everything else happens.\n`
      : `\nThe agent is ${agent}.\n`,
  );

  const how = agent === "scripted" ? ["--script", join(example, "script.yaml")] : ["--agent", agent];
  const description =
    "Add POST /refresh: it takes a refresh token and gives a new access token. The test in test/refresh.test.ts must pass.";
  const first = follow(out, [
    "run",
    "--task",
    task,
    "--description",
    description,
    "--branch",
    branch,
    "--run",
    run,
    ...how,
    "--repo",
    repo,
  ]);
  const killed = await pullThePlug(out, first, agent === "scripted" ? plug.scripted : plug.real);
  if (killed) {
    out.note("\nAnother process takes it up:\n");
    await ended(follow(out, ["resume", run, "--repo", repo]));
  }
  const done = JSON.parse(perdure(["status", run, "--json", "--repo", repo])) as { readonly status: string };
  lookAround(out, repo, done.status);
  out.data({ repository: repo, run, status: done.status, killed });
  return done.status === "completed" && killed ? exitCode.completed : exitCode.failed;
}

function makeRepository(example: string): string {
  const modules = join(packageFolder(), "node_modules");
  if (!existsSync(join(modules, "typescript"))) {
    throw new ProblemError(
      problem("demo-needs-clone", "The demo compiles TypeScript, which is not installed beside Perdure.", {
        fix: "Run it in a clone, after npm ci --ignore-scripts.",
      }),
    );
  }
  const repo = mkdtempSync(join(tmpdir(), "perdure-demo-"));
  cpSync(join(example, "repository"), repo, { recursive: true });
  // Committed as a link, so that every work tree of the run finds the compiler without installing anything.
  symlinkSync(modules, join(repo, "node_modules"));
  const git = (...args: readonly string[]): void => {
    execFileSync("git", ["-c", "user.name=Perdure demo", "-c", "user.email=demo@perdure.invalid", ...args], {
      cwd: repo,
      stdio: "ignore",
    });
  };
  git("init", "--initial-branch", "main");
  git("add", "--all");
  git("commit", "--message", "A token API, and a test for what it cannot do yet");
  return repo;
}

/** What the repository's own test says, before anybody has touched anything. */
function failingTest(repo: string): string {
  const tested = spawnSync("sh", ["-c", "node_modules/.bin/tsc -p . && node --test build/test/"], {
    cwd: repo,
    encoding: "utf8",
  });
  const telling = tested.stdout.split("\n").filter((line) => /^(?:not ok|# (?:pass|fail))|!==/.test(line.trim()));
  return telling.map((line) => `  ${line.trim()}`).join("\n");
}

/** One `perdure` in a process of its own, its lines shown as they come. */
function follow(out: Output, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [process.argv[1] ?? "", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => out.note(`  │ ${line}`));
  return child;
}

/** Kills the process without a warning, in the middle of a step; false when it never came to that. */
function pullThePlug(
  out: Output,
  child: ChildProcess,
  { step, after }: { readonly step: string; readonly after: number },
): Promise<boolean> {
  return new Promise((resolve) => {
    let pulled = false;
    if (child.stderr) {
      createInterface({ input: child.stderr }).on("line", (line) => {
        if (pulled || !line.startsWith(`${step} running`)) return;
        pulled = true;
        setTimeout(() => {
          out.note(`\n  ✂ SIGKILL to process ${child.pid}, in the middle of ${step}. Its memory is gone.`);
          child.kill("SIGKILL");
        }, after);
      });
    }
    child.once("close", (_code, signal) => resolve(signal === "SIGKILL"));
  });
}

const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once("close", resolve));
const perdure = (args: readonly string[]): string =>
  execFileSync(process.execPath, [process.argv[1] ?? "", ...args], { encoding: "utf8" });

/** What a person should look at. */
function lookAround(out: Output, repo: string, status: string): void {
  const git = (...args: readonly string[]): string =>
    execFileSync("git", args, { cwd: repo, encoding: "utf8" }).trimEnd();
  const pullRequest = join(repo, ".perdure", "develop", "pull-request.md");
  out.line(`\n${out.paint.bold(`The run is ${status}.`)} What it left:\n`);
  if (status === "completed") {
    out.line(git("log", "--oneline", `main..${branch}`));
    out.line(git("diff", "--stat", "main", branch));
    if (existsSync(pullRequest))
      out.line(
        `\n${readFileSync(pullRequest, "utf8")
          .split("\n")
          .map((line) => `  ${line}`.trimEnd())
          .join("\n")}`,
      );
  }
  out.line("Look around:\n");
  for (const [command, what] of [
    [`cd ${repo}`, "the repository; its checkout was never touched"],
    [`git diff main ${branch}`, "the work"],
    [`git log --stat perdure/runs/${run}`, "the run: every commit is one transaction of its journal"],
    [`git show perdure/runs/${run}:devils-advocate/1/assumption-analysis.md`, "what the devil's advocate found"],
    [`node ${process.argv[1]} logs ${run}`, "the journal; look for lease.lost"],
    [`node ${process.argv[1]} inspect ${run}`, "everything else"],
  ] as const) {
    out.line(`  ${command}\n    ${out.paint.dim(what)}`);
  }
}
