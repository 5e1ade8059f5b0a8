import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { EventBody } from "../../src/core/event.ts";
import { git } from "./store-fixtures.ts";

const root = join(import.meta.dirname, "../..");
const program = join(root, "dist/cli.js");

export type Example = "fix-typo" | "add-caching" | "token-refresh";

/** A repository of a person who uses what is in dist/, with a machine around it: a home, a cache, a temporary folder. */
export interface Sample {
  /** Everything below goes away with the sample. */
  readonly folder: string;
  readonly repository: string;
  /** Starts the command line there, as a process of its own. */
  start(args: readonly string[], where?: Where): Running;
  /** The same, to its end. */
  cli(args: readonly string[], where?: Where): Promise<Ended>;
  /** Writes a file below `folder` and gives its path. */
  put(path: string, content: string): string;
  remove(): Promise<void>;
}

export interface Where {
  readonly repository?: string;
  /** `PERDURE_HOME`: another one is another machine, as far as work trees go. */
  readonly home?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The name of the machine, where the system lets a process have one of its own (`canRename`). */
  readonly host?: string;
  /** Over in this time or killed, milliseconds. */
  readonly limitMs?: number;
}

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Settles when the process has printed this; rejects when it ended without. */
  says(pattern: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export interface Recipe {
  /** Whose repository it is; without one there is a README and nothing else. */
  readonly example?: Example;
  /** More files of the first commit: path to content. */
  readonly files?: Readonly<Record<string, string>>;
  /** What the checks of the example need of this project's own packages. */
  readonly packages?: true;
  /** The folder to be made; a new one in the system's temporary folder when absent. */
  readonly folder?: string;
}

const dates = { GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z", GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z" };

/** A repository with one commit, the same id for the same recipe, and nothing of the machine's own configuration. */
export function aSample({ example, files = {}, packages, folder: given }: Recipe = {}): Sample {
  const folder = given ?? mkdtempSync(join(tmpdir(), "perdure-sample-"));
  const repository = join(folder, "repository");
  mkdirSync(join(folder, "person"), { recursive: true });
  mkdirSync(repository, { recursive: true });
  if (example) cpSync(join(root, "examples", example, "repository"), repository, { recursive: true });
  else writeFileSync(join(repository, "README.md"), "# A repository\n");
  for (const [path, content] of Object.entries(files)) put(join(repository, path), content);
  if (packages) symlinkSync(join(root, "node_modules"), join(repository, "node_modules"));
  git(repository, ["init", "-q", "--template="]);
  git(repository, ["add", "--all", "--force"]);
  git(repository, ["commit", "-q", "-m", "Begin"], "", dates);
  return sampleIn(folder);
}

/** A sample that is there already: a copy of one. */
export function sampleIn(folder: string): Sample {
  const repository = join(folder, "repository");
  const running = new Set<Running>();
  const start: Sample["start"] = (args, where = {}) => {
    const [command = "", ...words] = [...onHost(where.host), process.execPath, program, ...args];
    const child = spawn(command, words, {
      cwd: where.repository ?? repository,
      env: { ...environment(folder), ...(where.home && { PERDURE_HOME: where.home }), ...where.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const one = followed(child, where.limitMs ?? 60_000);
    running.add(one);
    void one.ended.then(() => running.delete(one));
    return one;
  };
  return {
    folder,
    repository,
    start,
    cli: (args, where) => start(args, where).ended,
    put: (path, content) => put(join(folder, path), content),
    async remove() {
      for (const each of running) each.kill("SIGKILL");
      await Promise.all([...running].map(({ ended }) => ended));
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

/** The process keeps its id through all of this: each word replaces the one before it. */
const onHost = (host: string | undefined): readonly string[] =>
  host === undefined ? [] : ["unshare", "--uts", "sh", "-c", `hostname ${host} && exec "$0" "$@"`];

/** Whether a process may have a host name of its own here. */
export const canRename = (): boolean => spawnSync("unshare", ["--uts", "true"]).status === 0;

const environment = (folder: string): Readonly<Record<string, string>> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: join(folder, "person"),
  USER: "ana",
  LANG: "C.UTF-8",
  TMPDIR: tmpdir(),
  GIT_CONFIG_NOSYSTEM: "1",
  PERDURE_HOME: join(folder, "home"),
});

function put(file: string, content: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function followed(child: ChildProcess, limitMs: number): Running {
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    tell();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    tell();
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (pattern.test(stdout) || pattern.test(stderr)) resolve();
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`It ended without saying ${pattern}: ${stderr}${stdout}`)));
      }),
    kill: (signal) => void child.kill(signal),
  };
}

/** The recording of an example, and what is changed in it; without the pauses that are there for people. */
export function recording(example: Example, change: (text: string) => string = (text) => text): string {
  const text = readFileSync(join(root, "examples", example, "script.yaml"), "utf8");
  return change(text.replace(/^ *(?:# Long enough.*|delay_ms:.*)\n/gm, ""));
}

/** The definition that ships, for those who change it. */
export const shippedDevelop = (): string => readFileSync(join(root, "workflows/develop.yaml"), "utf8");

/** An event as `logs --json` prints it: the time is text there. */
export type Logged = EventBody & { readonly id: string; readonly epoch: number; readonly at: string };

/** The journal of a run, which is checked event by event while it is read. */
export async function journalOf(sample: Sample, run: string, where?: Where): Promise<readonly Logged[]> {
  const { code, stdout, stderr } = await sample.cli(["logs", run, "--json", ...remoteOf(where)], where);
  if (code !== 0) throw new Error(`logs ended with ${code}: ${stdout}${stderr}`);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Logged);
}

const remoteOf = (where: Where | undefined): readonly string[] =>
  where?.repository !== undefined && git(where.repository, ["remote"]).trim() !== "" ? ["--remote", "origin"] : [];

/** What happened to steps, questions and visits, a line each, in order: what one compares with what should have. */
export const storyOf = (journal: readonly Logged[]): readonly string[] => journal.flatMap(lineOf);

function lineOf(event: Logged): readonly string[] {
  switch (event.type) {
    case "step.started":
      return [`started ${event.step}${event.attempt > 1 ? `, try ${event.attempt}` : ""}`];
    case "step.completed":
      return [`completed ${event.step}`];
    case "step.failed":
      return [`failed ${event.step}: ${event.failure.class}`];
    case "step.interrupted":
      return [`interrupted ${event.step}`];
    case "question.asked":
      return [`asked ${event.questions.map(({ id }) => id).join(" ")}`];
    case "question.answered":
      return [`answered ${event.answers.map(({ question, answer }) => `${question}=${answer}`).join(" ")}`];
    case "repeat.visited":
      return event.visit > 1 ? [`again ${event.step}${event.escalated ? ", escalated" : ""}`] : [];
    default:
      return [];
  }
}

/** The steps that were completed, in order, without the loops around them. */
export const completedIn = (journal: readonly Logged[]): readonly string[] =>
  journal.flatMap((event) => (event.type === "step.completed" && !/-loop$/.test(event.step) ? [event.step] : []));

export const fileOn = (repository: string, branch: string, path: string): string =>
  git(repository, ["show", `${branch}:${path}`]);

export const filesOn = (repository: string, branch: string): readonly string[] =>
  git(repository, ["ls-tree", "-r", "--name-only", branch]).trim().split("\n");

/** The id of the whole content of a commit: two of the same are the same files, byte for byte. */
export const treeOf = (repository: string, commit: string): string =>
  git(repository, ["rev-parse", `${commit}^{tree}`]).trim();

/** Everything about a person's checkout that a run must leave as it was, as one text for each part of it. */
export function checkoutOf(repository: string): Readonly<Record<string, string>> {
  const sha = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");
  const files = readdirSync(repository, { recursive: true, withFileTypes: true })
    .map((entry) => ({ entry, path: join(entry.parentPath, entry.name).slice(repository.length + 1) }))
    .filter(({ entry, path }) => !entry.isDirectory() && !/^(?:\.git|\.perdure|node_modules)\//.test(path))
    .map(({ entry, path }) => {
      const file = join(repository, path);
      return [
        path,
        entry.isSymbolicLink() ? readlinkSync(file) : `${sha(readFileSync(file))} ${lstatSync(file).mtimeMs}`,
      ];
    });
  return {
    ...Object.fromEntries(files),
    "git HEAD": readFileSync(join(repository, ".git/HEAD"), "utf8"),
    "git index": sha(readFileSync(join(repository, ".git/index"))),
    "git status": git(repository, ["status", "--porcelain"], "", { GIT_OPTIONAL_LOCKS: "0" }),
    "git stash": String(existsSync(join(repository, ".git/refs/stash"))),
  };
}
