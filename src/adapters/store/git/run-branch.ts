import type { Oid, RunId } from "../../../core/brand.ts";
import type { JournalEvent } from "../../../core/event.ts";
import { emptyJournal, journalFolder } from "../../../formats/journal.ts";
import { subjectOf } from "../../../formats/run-log.ts";
import { type Loaded, StoreUnavailable, type Transaction, type Version } from "../../../ports/store.ts";
import { checkedJournal } from "../checked.ts";
import { compose } from "../compose.ts";
import { checkedOid, type GitObject, newObject } from "./objects.ts";
import type { Repository } from "./repository.ts";
import { filesOf, parseTree, type ReadTree, type TreeEntry, treeWith } from "./tree.ts";

const runsFolder = "refs/heads/perdure/runs/";

/** A run's own branch: orphan, so that it holds no code and no workflow file, and shared with no other run. */
export const branchOf = (run: RunId): string => `${runsFolder}${run}`;
export const allBranches = `${runsFolder}*`;
/** The part of a branch's name after the common beginning; a run id when somebody has not made a branch there by hand. */
export const runPartOf = (branch: string): string => branch.slice(runsFolder.length);

/** Commits of runs as objects: what the local and the remote store have in common. Which refs point at them is theirs. */
export interface RunCommits {
  /** Writes the transaction as a commit on `expected`, durably, and nothing points at it yet. Same arguments, same commit. */
  write(transaction: Transaction, expected: Version | null): Promise<Version>;
  load(run: RunId, head: Oid): Promise<Loaded>;
  read(head: Oid, path: string): Promise<Uint8Array | undefined>;
  files(head: Oid, prefix: string): Promise<readonly string[]>;
  /** Whether `head` is `commit` or came after it. */
  includes(head: Oid, commit: Oid): Promise<boolean>;
}

export function runCommits(repository: Repository): RunCommits {
  const { format } = repository;
  const trees = recent<readonly TreeEntry[]>(512);
  const roots = recent<Oid>(64);

  const readTree: ReadTree = async (oid) =>
    trees.get(oid) ?? trees.set(oid, parseTree(format, (await need(repository, oid, "tree")).content));

  const rootOf = async (commit: Oid): Promise<Oid> =>
    roots.get(commit) ??
    roots.set(
      commit,
      checkedOid(
        (await need(repository, commit, "commit")).content.toString("latin1").slice(5).split("\n", 1)[0] ?? "",
      ),
    );

  const load: RunCommits["load"] = async (run, head) => {
    const paths = [...(await filesOf(await rootOf(head), readTree))];
    const isSegment = ([path]: readonly [string, Oid]): boolean => path.startsWith(journalFolder);
    const segments = paths.filter(isSegment);
    const blobs = await repository.readAll(segments.map(([, oid]) => oid));
    const texts = segments.map(([path, oid], index) => [path, textOf(oid, blobs[index])] as const);
    const { events, position } = checkedJournal(run, {
      segments: new Map(texts),
      files: new Map(paths.filter((path) => !isSegment(path))),
    });
    return { events, version: { oid: head, ...position } };
  };

  return {
    load,
    write: async (transaction, expected) => {
      const composed = await compose(transaction, expected ?? emptyJournal, {
        // The blob's own id: to check a file later, the tree that names it is enough.
        fingerprint: (content) => newObject(format, "blob", content).oid,
        history: async () => (expected ? (await load(transaction.run, expected.oid)).events : []),
      });
      const blobs = new Map([...composed.files].map(([path, content]) => [path, newObject(format, "blob", content)]));
      const base = expected ? await rootOf(expected.oid) : undefined;
      const tree = await treeWith(format, base, new Map([...blobs].map(([path, { oid }]) => [path, oid])), readTree);
      const commit = newObject(format, "commit", Buffer.from(commitText(transaction, tree.root, expected)));
      await repository.write([...blobs.values(), ...tree.trees.map(({ object }) => object), commit]);
      for (const { object, entries } of tree.trees) trees.set(object.oid, entries);
      roots.set(commit.oid, tree.root);
      return { oid: commit.oid, ...composed.position };
    },
    read: async (head, path) => {
      let oid: Oid | undefined = await rootOf(head);
      for (const name of path.split("/")) {
        const folder: readonly TreeEntry[] = oid === undefined ? [] : await readTree(oid);
        oid = folder.find((entry) => entry.name === name)?.oid;
      }
      return oid === undefined ? undefined : (await repository.read(oid))?.content;
    },
    files: async (head, prefix) =>
      [...(await filesOf(await rootOf(head), readTree)).keys()].filter((path) => path.startsWith(prefix)).sort(),
    includes: async (head, commit) =>
      head === commit || (await repository.git(["merge-base", "--is-ancestor", commit, head])).code === 0,
  };
}

const need = async (repository: Repository, oid: Oid, type: string): Promise<GitObject> =>
  checkedObject(await repository.read(oid), oid, type);

const textOf = (oid: Oid, object: GitObject | undefined): string =>
  checkedObject(object, oid, "blob").content.toString("utf8");

function checkedObject(object: GitObject | undefined, oid: Oid, type: string): GitObject {
  if (!object)
    throw new StoreUnavailable(`The ${type} ${oid} is missing in this repository. Try: git fetch, or git fsck.`);
  if (object.type !== type) throw new StoreUnavailable(`The object ${oid} is a ${object.type}, not a ${type}.`);
  return object;
}

/** Fixed but for what the events say, so that the same transaction is the same commit, byte for byte (law J4). */
function commitText({ run, events, state }: Transaction, root: Oid, expected: Version | null): string {
  const last = events.at(-1);
  const first = (expected?.seq ?? 0) + 1;
  const seq = first + events.length - 1;
  const person = `Perdure <perdure@users.noreply.invalid> ${Math.floor((last?.at ?? 0) / 1000)} +0000`;
  const lines = events.map((event, index) => `#${first + index} ${described(event)}`);
  return [
    `tree ${root}`,
    ...(expected ? [`parent ${expected.oid}`] : []),
    `author ${person}`,
    `committer ${person}`,
    "",
    `perdure(${run}): ${lines.at(-1) ?? ""}`,
    "",
    ...(lines.length > 1 ? [...lines, ""] : []),
    // Continuous integration elsewhere than on GitHub may build every branch that moves.
    "[skip ci]",
    "",
    `Perdure-Run: ${run}`,
    `Perdure-Seq: ${seq}`,
    `Perdure-Epoch: ${state.epoch}`,
    `Perdure-Event: ${last?.id.replace(/\s+/g, " ") ?? ""}`,
    "",
  ].join("\n");
}

const described = (event: JournalEvent): string => `${event.type} ${subjectOf(event)}`.replace(/\s+/g, " ").trimEnd();

interface Recent<T> {
  get(oid: Oid): T | undefined;
  /** Gives the value back. */
  set(oid: Oid, value: T): T;
}

/** The latest values by id. Objects never change, so a cache of them is never wrong. */
function recent<T>(limit: number): Recent<T> {
  const values = new Map<Oid, T>();
  return {
    get: (oid) => values.get(oid),
    set: (oid, value) => {
      values.delete(oid);
      values.set(oid, value);
      const [oldest] = values.keys();
      if (values.size > limit && oldest !== undefined) values.delete(oldest);
      return value;
    },
  };
}
