import { createHash } from "node:crypto";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../adapters/clock/system.ts";
import { localStore } from "../../adapters/store/git/local.ts";
import { remoteStore } from "../../adapters/store/git/remote.ts";
import { openRepository, type Repository } from "../../adapters/store/git/repository.ts";
import type { RunId } from "../../core/brand.ts";
import { runIdOf } from "../../core/brand.ts";
import { replay } from "../../core/fold.ts";
import type { Plan } from "../../core/plan.ts";
import { ProblemError, problem } from "../../core/problem.ts";
import type { RunState } from "../../core/state.ts";
import { suggest } from "../../core/suggest.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Loaded, OpenWriteAhead, Store } from "../../ports/store.ts";
import { type Compiled, compilePinned, dataFile, skillFile } from "../kit.ts";
import type { Common } from "./common.ts";

/** The repository that a command works in, and the runs that are kept there. */
export interface Place {
  readonly directory: string;
  readonly repository: Repository;
  readonly store: Store;
  readonly openWriteAhead: OpenWriteAhead;
  readonly clock: Clock;
  /** Where this machine's work trees and live logs of the repository are. */
  readonly home: string;
  /** Who speaks, for the journal. */
  readonly by: string;
  close(): Promise<void>;
}

export async function openPlace({ repo, remote }: Pick<Common, "repo" | "remote">): Promise<Place> {
  const repository = await openRepository(repo);
  const store = remote === undefined ? localStore(repository) : remoteStore(repository, { remote });
  return {
    directory: repository.directory,
    repository,
    store,
    openWriteAhead: store.openWriteAhead,
    clock: systemClock(),
    home: join(cacheFolder(), createHash("sha256").update(repository.common).digest("hex").slice(0, 16)),
    by: process.env["GITHUB_ACTOR"] ?? process.env["USER"] ?? userInfo().username,
    async close() {
      await store.close();
      await repository.close();
    },
  };
}

/** `PERDURE_HOME`, or where this system keeps what can be made anew. */
const cacheFolder = (): string =>
  process.env["PERDURE_HOME"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "perdure");

/** Does something in a place and closes it again. */
export async function inPlace<T>(common: Common, work: (place: Place) => Promise<T>): Promise<T> {
  const place = await openPlace(common);
  try {
    return await work(place);
  } finally {
    await place.close();
  }
}

/** The state of a run; without a name, of the one that moved last. */
export const findRun = async (place: Place, name: string | undefined): Promise<RunState> =>
  (await findLoaded(place, name)).state;

/** The same, with the journal it was folded from. */
export async function findLoaded(
  place: Place,
  name: string | undefined,
): Promise<{ readonly state: RunState; readonly loaded: Loaded }> {
  const wanted = name === undefined ? await latest(place) : runIdOf(name);
  const loaded = wanted && (await place.store.load(wanted));
  const state = loaded && replay(loaded.events);
  if (loaded && state) return { state, loaded };
  const known = await place.store.list();
  if (name === undefined || known.length === 0) {
    throw new ProblemError(
      problem("no-runs", "There is no run in this repository yet.", { fix: 'perdure run --task "what is to be done"' }),
    );
  }
  const like = suggest(name, known);
  throw new ProblemError(
    problem("unknown-run", `There is no run \`${name}\`.`, {
      received: name,
      fix: like === undefined ? "perdure runs" : `Did you mean \`${like}\`?`,
    }),
  );
}

/** A run as its `state.json` sums it up: enough for a table, without folding its journal. */
export interface Summary {
  readonly run: RunId;
  readonly workflow: string;
  readonly status: string;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly title: string;
}

/** Every run, the one that moved last first. */
export async function summaries({ store }: Place): Promise<readonly Summary[]> {
  const runs = await store.list();
  const all = await Promise.all(runs.map(async (run) => summaryOf(run, await store.read(run, "state.json"))));
  return all.sort((a, b) => b.updatedAt.localeCompare(a.updatedAt));
}

function summaryOf(run: RunId, bytes: Uint8Array | undefined): Summary {
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const raw = readJson(bytes);
  return {
    run,
    workflow: text(raw["workflow"]),
    status: text(raw["status"]) || "unreadable",
    startedAt: text(raw["started_at"]),
    updatedAt: text(raw["updated_at"]),
    title: text(raw["title"]),
  };
}

function readJson(bytes: Uint8Array | undefined): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

const latest = async (place: Place): Promise<RunId | undefined> => (await summaries(place))[0]?.run;

const kits = new WeakMap<Place, Map<RunId, Compiled>>();

/** What a run has pinned, compiled again: the same texts, whatever the repository says today (law J7). */
export async function pinnedKit(place: Place, state: RunState): Promise<Compiled> {
  const known = kits.get(place)?.get(state.run);
  if (known) return known;
  const text = async (path: string): Promise<string | undefined> => {
    const bytes = await place.store.read(state.run, path);
    return bytes && new TextDecoder().decode(bytes);
  };
  const [definition, data] = await Promise.all([text(state.definition.file), text(dataFile)]);
  if (definition === undefined || data === undefined)
    throw new ProblemError(problem("unpinned", `Run \`${state.run}\` has no definition on its branch.`));
  const compiled = await compilePinned(
    { text: definition, data, name: state.definition.source },
    state.inputs,
    async (name) => {
      const found = await text(skillFile(name));
      return found === undefined ? undefined : { text: found, name: skillFile(name) };
    },
  );
  if (!compiled.ok) throw new ProblemError(...compiled.problems);
  if (compiled.value.hash !== state.definition.hash) {
    const fix = `git log perdure/runs/${state.run} -- ${state.definition.file}`;
    throw new ProblemError(
      problem(
        "definition-changed",
        `The definition on the branch of run \`${state.run}\` is not the one it was started with.`,
        { fix },
      ),
    );
  }
  remember(place, state.run, compiled.value);
  return compiled.value;
}

/** Keeps what was just compiled for a run, so that one process compiles it once. */
export function remember(place: Place, run: RunId, compiled: Compiled): void {
  const known = kits.get(place) ?? new Map<RunId, Compiled>();
  kits.set(place, known.set(run, compiled));
}

export const pinnedPlan = async (place: Place, state: RunState): Promise<Plan> =>
  (await pinnedKit(place, state)).kit.plan;
