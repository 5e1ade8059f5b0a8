import type { RunId } from "../core/brand.ts";
import type { EventBody, JournalEvent } from "../core/event.ts";
import { foldFrom, replay } from "../core/fold.ts";
import { type Liveness, type Owner, sameOwner } from "../core/lease.ts";
import type { RunState } from "../core/state.ts";
import type { Clock } from "../ports/clock.ts";
import type { Owners } from "../ports/owners.ts";
import {
  type Loaded,
  type OpenWriteAhead,
  type Store,
  StoreConflict,
  type Version,
  type WriteAheadEntry,
} from "../ports/store.ts";
import { merge } from "./ledger.ts";
import { stamp } from "./stamp.ts";

export type Claim =
  | { readonly kind: "claimed"; readonly state: RunState; readonly version: Version; readonly lost?: Owner }
  /** Somebody has it. `unknown`: on another machine, where nobody here can look. */
  | { readonly kind: "held"; readonly owner: Owner; readonly liveness: Liveness; readonly state: RunState }
  | { readonly kind: "missing" };

export interface ClaimParts {
  readonly store: Store;
  readonly openWriteAhead: OpenWriteAhead;
  readonly owners: Owners;
  readonly clock: Clock;
}

export interface ClaimOptions {
  /** Take it even when nobody here can say whether its holder lives. */
  readonly takeOver: boolean;
  /** What was just loaded; an outdated one costs a conflict and nothing else. */
  readonly known?: Loaded;
}

const tries = 8;

/**
 * Makes this worker the holder of a run (laws J3, J6). One commit takes in what a dead worker had made durable but not
 * folded, says that its lease is lost, and raises the epoch. Of several claimants one wins; the others find it alive.
 */
export async function claim(parts: ClaimParts, run: RunId, { takeOver, known }: ClaimOptions): Promise<Claim> {
  const { store, openWriteAhead, owners, clock } = parts;
  for (let attempt = 1; ; attempt += 1) {
    const loaded = (attempt === 1 ? known : undefined) ?? (await store.load(run));
    const state = loaded && replay(loaded.events);
    if (!loaded || !state) return { kind: "missing" };
    const holder = state.lease?.owner;
    if (holder && !sameOwner(holder, owners.self)) {
      const liveness = await owners.liveness(holder);
      if (liveness === "alive" || (liveness === "unknown" && !takeOver))
        return { kind: "held", owner: holder, liveness, state };
    }
    const left = openWriteAhead(run, state.epoch);
    const rescued = unfolded(left.pending(), loaded.events);
    const claimed = stamp(claimEvents(state, owners.self, holder), clock.now(), state.epoch);
    const group = merge([...rescued, { events: claimed, files: {}, refs: [] }]);
    const fold = foldFrom(state);
    fold.apply(group.events);
    const next = fold.state();
    try {
      const version = await store.commit({ run, state: next, ...group }, loaded.version);
      left.drop();
      return { kind: "claimed", state: next, version, ...(holder && { lost: holder }) };
    } catch (error) {
      if (!(error instanceof StoreConflict) || attempt >= tries) throw error;
    }
  }
}

function claimEvents(state: RunState, self: Owner, holder: Owner | undefined): readonly EventBody[] {
  const lease = { epoch: state.epoch + 1, owner: self };
  const lost: readonly EventBody[] =
    holder && state.lease ? [{ type: "lease.lost", lease: state.lease, verdict: "its process is gone" }] : [];
  return [...lost, { type: "lease.claimed", lease }];
}

/** Entries whose events no commit has; a worker that died between its commit and clearing the file leaves the others. */
function unfolded(entries: readonly WriteAheadEntry[], committed: readonly JournalEvent[]): readonly WriteAheadEntry[] {
  if (entries.length === 0) return entries;
  const known = new Set(committed.map((event) => event.id));
  return entries.filter((entry) => !entry.events.every((event) => known.has(event.id)));
}
