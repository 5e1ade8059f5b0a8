import { type Oid, oidOf, type RunId } from "../../core/brand.ts";
import { emptyJournal, journalFolder } from "../../formats/journal.ts";
import {
  type OpenWriteAhead,
  type RefChange,
  type Store,
  StoreConflict,
  type Version,
  type WriteAheadEntry,
} from "../../ports/store.ts";
import { checkedJournal } from "./checked.ts";
import { compose, sha256 } from "./compose.ts";

export interface MemoryStore extends Store {
  readonly openWriteAhead: OpenWriteAhead;
  /** The other branches: name to commit. */
  readonly refs: Map<string, Oid>;
  /** Every byte of every run, for tests that look at or spoil them. */
  readonly runs: Map<RunId, MemoryRun>;
}

export interface MemoryRun {
  readonly head: Oid;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** A store that lasts as long as the process: for tests, simulations and dry runs. It keeps every law but durability. */
export function memoryStore(): MemoryStore {
  const runs = new Map<RunId, MemoryRun>();
  const refs = new Map<string, Oid>();
  let commits = 0;

  const load: Store["load"] = async (run) => {
    const stored = runs.get(run);
    if (!stored) return undefined;
    const { events, position } = checkedJournal(run, {
      segments: new Map(
        [...stored.files]
          .filter(([path]) => path.startsWith(journalFolder))
          .map(([path, content]) => [path, text(content)]),
      ),
      files: new Map(
        [...stored.files]
          .filter(([path]) => !path.startsWith(journalFolder))
          .map(([path, content]) => [path, sha256(content)]),
      ),
    });
    return { events, version: { oid: stored.head, ...position } };
  };

  const commit: Store["commit"] = async (transaction, expected) => {
    const { run } = transaction;
    const history = async () => (await load(run))?.events ?? [];
    const { files, position } = await compose(transaction, expected ?? emptyJournal, { fingerprint: sha256, history });
    // From here to the end nothing is awaited, so nobody can come between the comparison and the swap.
    const head = runs.get(run)?.head;
    if (head !== expected?.oid)
      throw new StoreConflict(`Run ${run} is at ${head ?? "nothing"}, not at ${expected?.oid ?? "nothing"}.`);
    for (const change of transaction.refs) assertAt(refs, change);
    commits += 1;
    const version: Version = { oid: counted(commits), ...position };
    runs.set(run, { head: version.oid, files: new Map([...(runs.get(run)?.files ?? []), ...files]) });
    for (const { name, after } of transaction.refs) refs.set(name, after);
    return version;
  };

  return {
    label: "memory",
    groupMs: 0,
    load,
    commit,
    head: async (run) => runs.get(run)?.head,
    read: async (run, path) => runs.get(run)?.files.get(path),
    files: async (run, prefix = "") =>
      [...(runs.get(run)?.files.keys() ?? [])].filter((path) => path.startsWith(prefix)).sort(),
    list: async () => [...runs.keys()],
    openWriteAhead: memoryWriteAhead(),
    refs,
    runs,
  };
}

function memoryWriteAhead(): OpenWriteAhead {
  const entries = new Map<RunId, Map<number, WriteAheadEntry[]>>();
  return (run, epoch) => {
    const epochs = entries.get(run) ?? new Map<number, WriteAheadEntry[]>();
    entries.set(run, epochs);
    return {
      // A copy, as from a file: what the caller changes afterwards must not change here.
      append: (entry) => void epochs.set(epoch, [...(epochs.get(epoch) ?? []), structuredClone(entry)]),
      pending: () => epochs.get(epoch) ?? [],
      clear: () => void epochs.delete(epoch),
      drop: () => {
        for (const known of [...epochs.keys()]) if (known <= epoch) epochs.delete(known);
      },
    };
  };
}

function assertAt(refs: ReadonlyMap<string, Oid>, { name, before }: RefChange): void {
  const at = refs.get(name) ?? null;
  if (at !== before) throw new StoreConflict(`${name} is at ${at ?? "nothing"}, not at ${before ?? "nothing"}.`);
}

const text = (content: Uint8Array): string => Buffer.from(content).toString("utf8");

function counted(count: number): Oid {
  const oid = oidOf(count.toString(16).padStart(40, "0"));
  if (!oid) throw new Error(`No object id for ${count}.`);
  return oid;
}
