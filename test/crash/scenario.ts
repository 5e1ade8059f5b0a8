import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { localStore } from "../../src/adapters/store/git/local.ts";
import { openRepository } from "../../src/adapters/store/git/repository.ts";
import { runIdOf } from "../../src/core/brand.ts";
import type { JournalEvent } from "../../src/core/event.ts";
import { replay } from "../../src/core/fold.ts";
import { aSample, checkoutOf, type Ended, fileOn, filesOn, recording, type Sample, sampleIn, treeOf } from "../support/sample.ts";
import { git } from "../support/store-fixtures.ts";

/**
 * The third example of the development cycle with checks that take no time: three fixes that miss, a devil's advocate, a
 * fourth that does not. It is killed somewhere, resumed somewhere else, and compared with what it gives undisturbed.
 */
const quick = recording("token-refresh", (text) =>
  text
    .replace("node_modules/.bin/tsc -p . --noEmit", '"! grep -n TODO src/server.ts"')
    .replace(
      "node_modules/.bin/tsc -p . && node --test build/test/",
      'grep -q "sub. userId," src/tokens.ts || { echo "401 !== 200"; exit 1; }',
    ),
);

export const run = runIdOf("demo") ?? fail("demo is a run id");
const task = ["--task", "Implement token refresh", "--branch", "feature/refresh", "--run", run];

/** Where a run is kept: in the person's repository, or on a remote of it. */
export type Kept = "local" | "remote";

/** A repository in which the run can begin; copies of it are what is broken. */
export function aTemplate(): Sample {
  const sample = aSample({ example: "token-refresh" });
  sample.put("script.yaml", quick);
  return sample;
}

export function aCopy(template: Sample, kept: Kept): Sample {
  const folder = mkdtempSync(join(tmpdir(), "perdure-crash-"));
  cpSync(template.folder, folder, { recursive: true });
  if (kept === "remote") {
    git(folder, ["clone", "-q", "--bare", "repository", "remote.git"]);
    git(join(folder, "repository"), ["remote", "add", "origin", join(folder, "remote.git")]);
  }
  return sampleIn(folder);
}

/** Where somebody goes on: which repository, and which folder for work trees. */
export interface Place {
  readonly repository: string;
  readonly home: string;
}

export const firstPlace = (sample: Sample): Place => ({
  repository: sample.repository,
  home: join(sample.folder, "home"),
});

/** Another machine: the work trees of the one before are gone, and with a remote its repository is, too. */
export function anotherPlace(sample: Sample, kept: Kept, number: number): Place {
  const home = join(sample.folder, `home-${number}`);
  if (kept === "local") {
    for (const name of readdirSync(sample.folder).filter((entry) => entry.startsWith("home")))
      rmSync(join(sample.folder, name), { recursive: true, force: true });
    return { repository: sample.repository, home };
  }
  const repository = join(sample.folder, `clone-${number}`);
  git(sample.folder, ["clone", "-q", "remote.git", repository]);
  return { repository, home };
}

const preload = `--import=${pathToFileURL(join(import.meta.dirname, "preload.mjs")).href}`;

/** What the run is told on the command line, by whoever starts it or goes on with it. */
export const begin = (sample: Sample, kept: Kept): readonly string[] => [
  "run",
  ...task,
  "--script",
  join(sample.folder, "script.yaml"),
  ...remote(kept),
];
export const goOn = (kept: Kept): readonly string[] => ["resume", run, ...remote(kept)];
const remote = (kept: Kept): readonly string[] => (kept === "remote" ? ["--remote", "origin"] : []);

/** Runs until the fault strikes, or to its end when the call is never made. */
export const withFault = (sample: Sample, args: readonly string[], more: Place & { readonly fault: string }): Promise<Ended> =>
  sample.cli(args, { ...more, environment: { NODE_OPTIONS: preload, FAULT: more.fault } });

/** How often each boundary is crossed when nothing goes wrong. */
export const counting = (file: string): Readonly<Record<string, string>> => ({ NODE_OPTIONS: preload, FAULT_COUNTS: file });

/** What one start of the command line came to. */
export type Progress = "completed" | "never created" | "go on" | { readonly stuck: string };

export function progressOf({ code, signal, stdout, stderr }: Ended): Progress {
  const said = `${stdout}${stderr}`;
  if (code === 0 || /is completed; there is nothing to resume/.test(said)) return "completed";
  if (/There is no run/.test(said)) return "never created";
  // Killed, or a person is asked after a step has lost its worker again and again: somebody goes on.
  if (signal === "SIGKILL" || /lost its worker \d+ times/.test(said)) return "go on";
  return { stuck: `code ${code} ${signal ?? ""}: ${said.slice(0, 2_000)}` };
}

/** Resumes until the run is through; what keeps it from that, or undefined. */
export async function finish(sample: Sample, kept: Kept, place: Place): Promise<string | undefined> {
  let args = goOn(kept);
  for (let tries = 0; tries < 6; tries += 1) {
    const progress = progressOf(await sample.cli(args, place));
    if (progress === "completed") return undefined;
    if (typeof progress === "object") return progress.stuck;
    args = progress === "never created" ? begin(sample, kept) : goOn(kept);
  }
  return "still not completed after six starts";
}

/** What a run comes to, without what may differ from one time to the next. */
export interface Outcome {
  readonly status: string;
  /** Steps as they were settled, loops and what was left out too. */
  readonly settled: readonly string[];
  /** Steps that were completed twice or started after they were completed, ends that were written twice. */
  readonly repeated: readonly string[];
  /** The tree of the delivered work, and whether every branch is where the journal says. */
  readonly tree: string;
  readonly subjects: readonly string[];
  readonly branches: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  readonly spent: number;
  /** The person's own checkout, and what git says of the whole repository. */
  readonly checkout: Readonly<Record<string, string>>;
  readonly faults: string;
}

/** Reads the run where it is kept. The journal is checked, link by link, while it is read. */
export async function outcomeOf(sample: Sample, kept: Kept): Promise<Outcome> {
  const at = kept === "remote" ? join(sample.folder, "remote.git") : sample.repository;
  const repository = await openRepository(at);
  const store = localStore(repository);
  try {
    const events = (await store.load(run))?.events ?? fail("the run is gone");
    const state = replay(events) ?? fail("a journal begins with run.created");
    const branches = ["feature/refresh", `perdure/work/${run}`].map((branch) =>
      git(at, ["rev-parse", branch]).trim() === state.head ? branch : `${branch} is elsewhere`,
    );
    return {
      status: state.status,
      settled: settledIn(events),
      repeated: repeatedIn(events),
      tree: treeOf(at, state.head),
      subjects: git(at, ["log", "--reverse", "--format=%s", `main..${state.head}`]).trim().split("\n"),
      branches,
      files: filesOfRun(at),
      spent: Math.round(state.spending.usd * 100) / 100,
      checkout: Object.fromEntries(Object.entries(checkoutOf(sample.repository)).map(([path, is]) => [path, is.replace(/ [\d.]+$/, "")])),
      faults: [git(at, ["fsck", "--strict", "--no-dangling"]), ...locksIn(join(at, kept === "remote" ? "." : ".git"))].join("\n"),
    };
  } finally {
    await store.close();
    await repository.close();
  }
}

const settledIn = (events: readonly JournalEvent[]): readonly string[] =>
  events.flatMap((event) => (/^step\.(?:completed|skipped|failed)$/.test(event.type) && "step" in event ? [`${event.type} ${event.step}`] : []));

/** Everything that happens once in a run, and happened more often here (law J5). */
function repeatedIn(events: readonly JournalEvent[]): readonly string[] {
  const once = new Set<string>();
  return events.flatMap((event) => {
    if (event.type === "step.started") return once.has(`step.completed ${event.step}`) ? [`started again: ${event.step}`] : [];
    const name = onceOf(event);
    if (name === undefined) return [];
    if (once.has(name)) return [`twice: ${name}`];
    once.add(name);
    return [];
  });
}

function onceOf(event: JournalEvent): string | undefined {
  switch (event.type) {
    case "step.completed":
    case "step.skipped":
      return `${event.type} ${event.step}`;
    case "effect.requested":
    case "effect.done":
      return `${event.type} ${event.key}`;
    case "repeat.visited":
      return `${event.type} ${event.step} ${event.visit}`;
    case "run.created":
    case "run.completed":
      return event.type;
    default:
      return undefined;
  }
}

/** The files of the run but for the journal, what is rendered from it with its times, and kept sessions. */
function filesOfRun(at: string): Readonly<Record<string, string>> {
  const branch = `perdure/runs/${run}`;
  const paths = filesOn(at, branch).filter((path) => !/^(?:journal|logs|sessions)\/|^(?:state|progress)\.json$/.test(path));
  return Object.fromEntries(paths.map((path) => [path, timeless(fileOn(at, branch, path))]));
}

const timeless = (text: string): string =>
  text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/(duration_seconds: |\| )[\d.]+( s \|)?/g, "$1…$2");

/** Locks that nobody holds any more would stop the next writer. */
const locksIn = (folder: string): readonly string[] =>
  readdirSync(join(folder, "refs"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".lock"));

/** Where two outcomes differ, or undefined. */
export function difference(one: Outcome, other: Outcome): string | undefined {
  const keys = (Object.keys(one) as (keyof Outcome)[]).filter((key) => !isDeepStrictEqual(one[key], other[key]));
  return keys.length === 0
    ? undefined
    : keys.map((key) => `${key}: ${JSON.stringify(one[key])} became ${JSON.stringify(other[key])}`).join("\n");
}

/** Does the work for every item, two at a time: what a small runner has cores for. */
export async function inPairs<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  const queue = [...items.entries()];
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) await work(next[1], next[0]);
  };
  await Promise.all([lane(), lane()]);
}

function fail(why: string): never {
  throw new Error(`The scenario cannot be: ${why}.`);
}
