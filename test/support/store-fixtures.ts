import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { instantOf, type Oid, oidOf, type RunId, runIdOf, type StepKey } from "../../src/core/brand.ts";
import { type EventBody, eventIdOf, type JournalEvent } from "../../src/core/event.ts";
import { evolve } from "../../src/core/evolve.ts";
import { replay } from "../../src/core/fold.ts";
import type { RunState } from "../../src/core/state.ts";
import type { Transaction } from "../../src/ports/store.ts";

export function aRun(text = "42-7f3a"): RunId {
  const run = runIdOf(text);
  if (!run) throw new Error(`Not a run id: ${text}`);
  return run;
}

export function anOid(text: string): Oid {
  const oid = oidOf(text.trim());
  if (!oid) throw new Error(`Not an object id: ${text}`);
  return oid;
}

export const aStep = (key: string): StepKey => key as StepKey;

const base = anOid("b".repeat(40));

export const created = (run: RunId): EventBody => ({
  type: "run.created",
  run,
  spec: 1,
  definition: {
    name: "develop",
    version: "1.0.0",
    source: "workflows/develop.yaml (shipped)",
    hash: "d".repeat(64),
    file: "workflow.yaml",
  },
  task: {
    id: "42",
    title: "Add a login page",
    description: "With a form.",
    priority: "medium",
    labels: [],
    branch: "",
    target: "main",
  },
  inputs: { depth: 3 },
  trigger: { kind: "label", by: "ana" },
  base,
  agent: "scripted",
  agentConfig: {},
  totalSteps: 5,
});

export const started = (key: string, attempt = 1): EventBody => ({ type: "step.started", step: aStep(key), attempt });

export const completed = (key: string, attempt = 1): EventBody => ({
  type: "step.completed",
  step: aStep(key),
  attempt,
  outputs: { score: 0.5, note: "Größe – 大きさ" },
  summary: "6 files, 3 commits",
  documents: [],
});

export interface Scribe {
  readonly events: readonly JournalEvent[];
  /** The next transaction; a conflict is followed by `restart` with what the store has. */
  next(bodies: readonly EventBody[], more?: Partial<Pick<Transaction, "files" | "refs">>): Transaction;
  restart(events: readonly JournalEvent[]): void;
}

/** Writes a plausible journal: every transaction carries the state that its events give. */
export function aScribe(run: RunId): Scribe {
  let events: readonly JournalEvent[] = [];
  let state: RunState | undefined;
  return {
    get events() {
      return events;
    },
    next: (bodies, more = {}) => {
      const added = bodies.map((body, index) => stampedAt(body, run, events.length + index));
      state = state ? added.reduce(evolve, state) : replay(added);
      if (!state) throw new Error("A journal begins with run.created.");
      events = [...events, ...added];
      return { run, events: added, state, files: more.files ?? {}, refs: more.refs ?? [] };
    },
    restart: (known) => {
      events = known;
      state = replay(known);
    },
  };
}

function stampedAt(body: EventBody, run: RunId, index: number): JournalEvent {
  const epoch = body.type === "lease.claimed" ? body.lease.epoch : 1;
  const at = instantOf(Date.UTC(2026, 10, 20, 21, 30) + index * 1_000);
  return { id: eventIdOf(body.type, epoch, "step" in body ? body.step : run, index), at, epoch, ...body };
}

/** A folder that is gone after the test. */
export function aFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "perdure-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

const environment = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Ana",
  GIT_AUTHOR_EMAIL: "ana@example.invalid",
  GIT_COMMITTER_NAME: "Ana",
  GIT_COMMITTER_EMAIL: "ana@example.invalid",
};

/** Git as a person would run it, for arranging and for looking; throws when it fails. */
export const git = (
  directory: string,
  args: readonly string[],
  input?: string | Uint8Array,
  more: Record<string, string> = {},
): string =>
  execFileSync("git", ["-c", "init.defaultBranch=main", ...args], {
    cwd: directory,
    env: { ...environment, ...more },
    input: input ?? "",
    encoding: "utf8",
    stdio: ["pipe", "pipe", "pipe"],
  });

/** Every ref and what it is at, as one text. */
export const refsIn = (directory: string): string =>
  git(directory, ["for-each-ref", "--format=%(refname) %(objectname)"]);

/** A commit that exists in the repository, for refs to point at. */
export const aCommit = (directory: string, message: string, parent?: Oid): Oid => {
  const tree = git(directory, ["mktree"]).trim();
  return anOid(git(directory, ["commit-tree", tree, "-m", message, ...(parent ? ["-p", parent] : [])]));
};

/** A person edits a branch by hand: `null` removes a file. The commit is ordinary; only the content is wrong. */
export function editBranch(directory: string, ref: string, edits: Readonly<Record<string, string | null>>): void {
  const index = { GIT_INDEX_FILE: join(directory, `edit-${process.pid}.index`) };
  const run = (args: readonly string[], input?: string) => git(directory, args, input, index).trim();
  run(["read-tree", ref]);
  for (const [path, content] of Object.entries(edits)) {
    if (content === null) run(["update-index", "--force-remove", path]);
    else
      run(["update-index", "--add", "--cacheinfo", `100644,${run(["hash-object", "-w", "--stdin"], content)},${path}`]);
  }
  const commit = run(["commit-tree", run(["write-tree"]), "-p", ref, "-m", "A small correction"]);
  run(["update-ref", ref, commit]);
  rmSync(index.GIT_INDEX_FILE);
}
