import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type GitStore, localStore } from "../../src/adapters/store/git/local.ts";
import { openRepository } from "../../src/adapters/store/git/repository.ts";
import type { JournalEvent } from "../../src/core/event.ts";
import { replay } from "../../src/core/fold.ts";
import { checkoutOf, type Sample, treeOf } from "../support/sample.ts";
import { git } from "../support/store-fixtures.ts";
import { type Kept, keptIn, run } from "./scenario.ts";

/** What a run comes to, without what may differ from one time to the next. */
export interface Outcome {
  readonly status: string;
  /** Steps as they were settled, loops and what was left out too. */
  readonly settled: readonly string[];
  /** What happens once in a run and happened more often in this one (law J5). */
  readonly repeated: readonly string[];
  /** Events that were durable when the process died, and are not in the journal as they were. */
  readonly lost: readonly string[];
  /** The tree of the work, the commits that led to it, and whether its branches are where the journal says (law J11). */
  readonly tree: string;
  readonly subjects: readonly string[];
  readonly branches: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  readonly spent: number;
  /** The person's own checkout, and what is wrong with the repository that keeps the run. */
  readonly checkout: Readonly<Record<string, string>>;
  readonly faults: readonly string[];
}

/** Reads the run where it is kept. The journal is checked, link by link, while it is read. */
export function outcomeOf(sample: Sample, kept: Kept, durable: readonly string[]): Promise<Outcome> {
  const at = keptIn(sample, kept);
  const one = (...args: readonly string[]): string => git(at, args).trim();
  return inStore(at, async (store) => {
    const events = (await store.load(run))?.events ?? [];
    const state = replay(events);
    if (!state) throw new Error("The run is gone.");
    const marks = new Set(events.map(markOf));
    return {
      status: state.status,
      settled: settledIn(events),
      repeated: repeatedIn(events),
      lost: durable.filter((mark) => !marks.has(mark)),
      tree: treeOf(at, state.head),
      subjects: one("log", "--reverse", "--format=%s", `main..${state.head}`).split("\n"),
      branches: one("for-each-ref", "--format=%(refname:short)", `--points-at=${state.head}`)
        .split("\n")
        // What a killed worker had not kept may be the same commit, made again; a step that had done nothing yet is
        // checkpointed at the head.
        .filter((name) => !/^perdure\/(?:rescue|checkpoint)\//.test(name)),
      files: await filesOfRun(store),
      spent: Math.round(state.spending.usd * 100) / 100,
      checkout: withoutTimes(checkoutOf(sample.repository)),
      faults: [...one("fsck", "--strict", "--no-dangling").split("\n").filter(Boolean), ...locksIn(at)],
    };
  });
}

/**
 * What a process that died had made durable where somebody else can find it: the events of its commits and, in a
 * repository that is still there, of its write-ahead file.
 */
export function durableEvents(sample: Sample, kept: Kept): Promise<readonly string[]> {
  const at = keptIn(sample, kept);
  return inStore(at, async (store) => {
    const events = (await store.load(run))?.events ?? [];
    const epoch = replay(events)?.epoch ?? 0;
    const pending = kept === "remote" ? [] : store.openWriteAhead(run, epoch).pending();
    return [...events, ...pending.flatMap((entry) => entry.events)].map(markOf);
  });
}

const markOf = ({ id, at }: JournalEvent): string => `${id} at ${at}`;

async function inStore<T>(at: string, look: (store: GitStore) => Promise<T>): Promise<T> {
  const repository = await openRepository(at);
  const store = localStore(repository);
  try {
    return await look(store);
  } finally {
    await store.close();
    await repository.close();
  }
}

const settledIn = (events: readonly JournalEvent[]): readonly string[] =>
  events.flatMap((event) =>
    event.type === "step.completed" || event.type === "step.skipped" || event.type === "step.failed"
      ? [`${event.type} ${event.step}`]
      : [],
  );

function repeatedIn(events: readonly JournalEvent[]): readonly string[] {
  const once = new Set<string>();
  return events.flatMap((event) => {
    if (event.type === "step.started")
      return once.has(`step.completed ${event.step}`) ? [`started again: ${event.step}`] : [];
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
async function filesOfRun(store: GitStore): Promise<Readonly<Record<string, string>>> {
  const rendered = /^(?:journal|logs|sessions)\/|^(?:run|state|progress)\.json$/;
  const paths = (await store.files(run)).filter((path) => !rendered.test(path));
  const texts = paths.map(async (path) => [path, timeless(await store.read(run, path))] as const);
  return Object.fromEntries(await Promise.all(texts));
}

const timeless = (bytes: Uint8Array | undefined): string =>
  new TextDecoder()
    .decode(bytes)
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/\b[0-9a-f]{40}\b/g, "COMMIT")
    .replace(/(duration_seconds: |\| )[\d.]+( s \|)?/g, "$1…$2");

const withoutTimes = (checkout: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(checkout).map(([path, is]) => [path, is.replace(/ [\d.]+$/, "")]));

/** Locks that nobody holds any more: they would stop the next writer. */
const locksIn = (at: string): readonly string[] =>
  existsSync(join(at, "refs"))
    ? readdirSync(join(at, "refs"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".lock"))
    : [];

/** An outcome without what tells of tries that failed on the way, or were cut short: a full disk is no secret. */
export const essence = ({ settled: _, files: __, spent: ___, ...rest }: Outcome): Partial<Outcome> => rest;

/** Where two outcomes differ, or undefined. */
export function difference(one: Partial<Outcome>, other: Partial<Outcome>): string | undefined {
  const [before, after] = [partsOf(one), partsOf(other)];
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const changed = names.filter((name) => before.get(name) !== after.get(name));
  return changed.length === 0
    ? undefined
    : changed.map((name) => `${name}: ${before.get(name)} became ${after.get(name)}`.slice(0, 800)).join("\n");
}

/** Every part of an outcome by its name, each file on its own. */
const partsOf = (outcome: Partial<Outcome>): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(outcome).flatMap(([name, part]: [string, unknown]) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.entries(part).map(([path, is]) => [`${name} ${path}`, JSON.stringify(is)] as const)
        : [[name, JSON.stringify(part)] as const],
    ),
  );
