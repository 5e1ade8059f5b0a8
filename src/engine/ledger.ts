import type { RunId } from "../core/brand.ts";
import type { EventBody } from "../core/event.ts";
import { foldFrom, replay } from "../core/fold.ts";
import type { RunState } from "../core/state.ts";
import type { Clock } from "../ports/clock.ts";
import {
  type Files,
  type RefChange,
  type Store,
  StoreConflict,
  StoreUnavailable,
  type Version,
  type WriteAhead,
  type WriteAheadEntry,
} from "../ports/store.ts";
import { Fenced } from "./fenced.ts";
import { stamp } from "./stamp.ts";

/**
 * A run in the hands of the worker that holds its lease.
 *
 * G1 `append` is durable when it returns: the write-ahead file has it (design: group commit).
 * G2 `fold` puts everything appended so far into one commit. Nothing outside may be told or changed before the events
 *    that it rests on are folded; the callers see to that.
 * G3 A worker whose epoch is not the run's any more gets `Fenced` from `fold`, and has written nothing (law J6).
 * G4 What others appended meanwhile (commands) is taken in, under what was appended here: those are facts.
 */
export interface Ledger {
  readonly run: RunId;
  state(): RunState;
  append(bodies: readonly EventBody[], files?: Files, refs?: readonly RefChange[]): void;
  /** As `append`, but durable only with the next `append` or `settle`: several events in one write. */
  stage(bodies: readonly EventBody[], files?: Files, refs?: readonly RefChange[]): void;
  settle(): void;
  fold(): Promise<void>;
  /** Nothing happens for a while: folds where that is cheap; against a remote, the group's own time decides. */
  idle(): Promise<void>;
  /** Whether anybody committed since the last fold; takes their events in when so. */
  refresh(): Promise<void>;
  /** A file of the run as of the last append. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Folds, and gives up the write-ahead file. */
  close(): Promise<void>;
}

export interface LedgerParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly writeAhead: WriteAhead;
  readonly onFoldFailure: (error: unknown) => void;
}

const tries = 8;
/** A store that groups for longer than this has a price for every commit (a push; GitHub asks for at most six a minute). */
const cheapMs = 1_000;

/** Takes over a run that `claim` has just made ours, at the version that the claim gave. */
export function openLedger(
  parts: LedgerParts,
  claimed: { readonly state: RunState; readonly version: Version },
): Ledger {
  const { store, clock, writeAhead } = parts;
  const { run, epoch } = claimed.state;
  let { version } = claimed;
  let folded = foldFrom(claimed.state);
  let staged: WriteAheadEntry[] = [];
  let pending: WriteAheadEntry[] = [];
  let flight: Promise<void> | undefined;
  let cancelTimer: (() => void) | undefined;

  const schedule = (): void => {
    cancelTimer ??= clock.after(store.groupMs, () => {
      cancelTimer = undefined;
      fold().catch(parts.onFoldFailure);
    });
  };

  /** What others appended goes under what we have not committed yet (G4). */
  const takeIn = async (): Promise<void> => {
    const loaded = await store.load(run);
    const theirs = loaded && replay(loaded.events);
    if (!loaded || !theirs) throw new StoreUnavailable(`The branch of run ${run} is gone.`);
    if (theirs.epoch !== epoch || theirs.lease?.epoch !== epoch) throw new Fenced(run, epoch, theirs.epoch);
    const known = new Set(loaded.events.slice(version.seq).map((event) => event.id));
    pending = pending.filter((entry) => !entry.events.every((event) => known.has(event.id)));
    version = loaded.version;
    folded = foldFrom(theirs);
    folded.apply([...pending, ...staged].flatMap((entry) => entry.events));
  };

  const commitGroup = async (): Promise<void> => {
    for (let attempt = 1; pending.length > 0; attempt += 1) {
      const group = [...pending];
      try {
        version = await store.commit({ run, state: folded.state(), ...merge(group) }, version);
        pending = pending.slice(group.length);
        if (pending.length === 0) writeAhead.clear();
      } catch (error) {
        if (!(error instanceof StoreConflict) || attempt >= tries) throw error;
        await takeIn();
      }
    }
  };

  const stage = (bodies: readonly EventBody[], files: Files = {}, refs: readonly RefChange[] = []): void => {
    const events = stamp(bodies, clock.now(), epoch);
    staged.push({ events, files, refs });
    folded.apply(events);
  };

  const settle = (): void => {
    if (staged.length === 0) return;
    const entry = merge(staged);
    writeAhead.append(entry);
    staged = [];
    pending.push(entry);
    schedule();
  };

  const fold = async (): Promise<void> => {
    cancelTimer?.();
    cancelTimer = undefined;
    while (flight) await flight.catch(() => undefined);
    if (pending.length === 0) return;
    flight = commitGroup().finally(() => {
      flight = undefined;
    });
    await flight;
  };

  return {
    run,
    state: () => folded.state(),
    append(bodies, files, refs) {
      stage(bodies, files, refs);
      settle();
    },
    stage,
    settle,
    fold,
    idle: () => (store.groupMs <= cheapMs ? fold() : Promise.resolve()),
    async refresh() {
      if (flight || (await store.head(run)) === version.oid) return;
      await takeIn();
    },
    async read(path) {
      const waiting = [...pending, ...staged].findLast((entry) => Object.hasOwn(entry.files, path))?.files[path];
      return waiting === undefined
        ? store.read(run, path)
        : typeof waiting === "string"
          ? new TextEncoder().encode(waiting)
          : waiting;
    },
    async close() {
      await fold();
      writeAhead.drop();
    },
  };
}

/** Several appends as one transaction: the last content of a file wins, and a ref moves from its first `before`. */
export function merge(entries: readonly WriteAheadEntry[]): WriteAheadEntry {
  const refs = new Map<string, RefChange>();
  for (const change of entries.flatMap((entry) => entry.refs)) {
    const first = refs.get(change.name);
    refs.set(change.name, first ? { ...change, before: first.before } : change);
  }
  return {
    events: entries.flatMap((entry) => entry.events),
    files: Object.assign({}, ...entries.map((entry) => entry.files)) as Files,
    refs: [...refs.values()],
  };
}
