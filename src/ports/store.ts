import type { Oid, RunId } from "../core/brand.ts";
import type { JournalEvent } from "../core/event.ts";
import type { RunState } from "../core/state.ts";

/**
 * The one place where a run is. A store keeps the journal, the files and the branches that must agree with it.
 *
 * L1 `commit` is all or nothing: events, files and refs become visible together, or none does (laws J1, J11).
 * L2 A stale `expected`, or a ref that is not at `before`, gives `StoreConflict`, and nothing is stored (law J3).
 * L3 `load` gives the events of every commit that returned, in order, and nothing else; a journal whose chain is broken
 *    gives `JournalBroken` and nothing is touched (law J2).
 * L4 When the answer to a commit is lost, the store looks for itself: a commit that did land returns as if nothing had
 *    happened (law J4). Only an outcome that cannot be known is `StoreUnavailable`.
 * L5 `expected: null` creates the run; of any number of creators exactly one wins (law J3).
 */
export interface Store {
  /** For people: `git (local)`. */
  readonly label: string;
  /** How long appended events may wait to be committed in one group when nothing wants them out now, milliseconds. */
  readonly groupMs: number;
  load(run: RunId): Promise<Loaded | undefined>;
  commit(transaction: Transaction, expected: Version | null): Promise<Version>;
  /** The head of a run's journal, cheaply: differs from a known version as soon as anybody committed. */
  head(run: RunId): Promise<Oid | undefined>;
  /** One file of a run at its head, or undefined. */
  read(run: RunId, path: string): Promise<Uint8Array | undefined>;
  /** The paths of a run's files at its head that begin with `prefix`. */
  files(run: RunId, prefix?: string): Promise<readonly string[]>;
  /** Every run there is, in no order. */
  list(): Promise<readonly RunId[]>;
}

export interface Loaded {
  readonly events: readonly JournalEvent[];
  readonly version: Version;
}

/** Where a journal stands: opaque to all but the store that gave it. */
export interface Version {
  /** The commit of the run's branch; a counter in a store without git, as an object id. */
  readonly oid: Oid;
  /** Events so far. */
  readonly seq: number;
  /** Segments so far; append n is segment n. */
  readonly segment: number;
  /** The chain's hash after the last event. */
  readonly hash: string;
}

export interface Transaction {
  readonly run: RunId;
  /** At least one. */
  readonly events: readonly JournalEvent[];
  /** The state after these events; the projections are rendered from it. */
  readonly state: RunState;
  readonly files: Files;
  readonly refs: readonly RefChange[];
}

/** Path on the run's branch to content. Files are only added or replaced. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** Another branch that moves in the same transaction. `before: null` means it must not exist yet. */
export interface RefChange {
  /** Full name: `refs/heads/perdure/work/RUN`. */
  readonly name: string;
  readonly before: Oid | null;
  readonly after: Oid;
}

/**
 * The file beside the refs that makes a transition durable before it is committed (design: group commit).
 *
 * W1 When `append` returns, the entry survives SIGKILL and power loss.
 * W2 `pending` gives every entry whose `append` returned and whose events no commit has yet, in order; a torn last line
 *    is dropped.
 * W3 Entries are kept by epoch: a worker never sees or harms those of another, and `drop` removes those of `epoch` and
 *    of all lower ones.
 */
export interface WriteAhead {
  append(entry: WriteAheadEntry): void;
  pending(): readonly WriteAheadEntry[];
  /** Forgets all entries so far: they are in a commit now. */
  clear(): void;
  drop(): void;
}

export type WriteAheadEntry = Pick<Transaction, "events" | "files" | "refs">;
export type OpenWriteAhead = (run: RunId, epoch: number) => WriteAhead;

/** Somebody else committed first: load again and decide anew. */
export class StoreConflict extends Error {
  override readonly name = "StoreConflict";
}
/** The store cannot be reached, or did not say what happened; trying later may help. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}
/** There is no room to write (disk full, quota): nothing was stored. */
export class StoreFull extends Error {
  override readonly name = "StoreFull";
}
/** The journal does not chain: somebody edited the state branch. Nothing was touched. */
export class JournalBroken extends Error {
  override readonly name = "JournalBroken";
  readonly run: RunId;
  /** The first event that does not fit, from 1; 0 when it is a file and not an event. */
  readonly seq: number;
  constructor(run: RunId, seq: number, message: string) {
    super(message);
    this.run = run;
    this.seq = seq;
  }
}
