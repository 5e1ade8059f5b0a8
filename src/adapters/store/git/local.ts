import { type Oid, type RunId, runIdOf } from "../../../core/brand.ts";
import {
  type OpenWriteAhead,
  type RefChange,
  type Store,
  StoreConflict,
  StoreUnavailable,
} from "../../../ports/store.ts";
import { gitFailure } from "./process.ts";
import { refsOf } from "./refs.ts";
import type { Repository } from "./repository.ts";
import { allBranches, branchOf, runCommits, runPartOf } from "./run-branch.ts";
import { writeAheadIn } from "./write-ahead.ts";

export interface GitStore extends Store {
  readonly openWriteAhead: OpenWriteAhead;
  /** Ends the git processes of this store; the repository is its owner's to close. */
  close(): Promise<void>;
}

/** Runs as branches of the local repository. Every commit is one ref transaction, and durable when it returns. */
export function localStore(repository: Repository): GitStore {
  const commits = runCommits(repository);
  const refs = refsOf(repository);
  const head = (run: RunId): Promise<Oid | undefined> => repository.resolve(branchOf(run));

  /** After a refusal or a silence: whether the transaction took place all the same (law J4). */
  const landed = async (run: RunId, commit: Oid): Promise<boolean> => {
    await refs.recover(branchOf(run));
    const at = await repository.resolve(branchOf(run));
    return at !== undefined && commits.includes(at, commit);
  };

  const swap = async (run: RunId, changes: readonly RefChange[], commit: Oid): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await refs.update(changes);
      } catch (error) {
        const lost = error instanceof StoreUnavailable;
        if ((lost || error instanceof StoreConflict) && (await landed(run, commit))) return;
        if (!lost || attempt >= 3) throw error;
      }
    }
  };

  return {
    label: "git (local)",
    groupMs: 25,
    load: async (run) => {
      // Events and branches become visible together (law L1), also when whoever moved them was killed between two.
      await refs.recover(branchOf(run));
      const at = await head(run);
      return at && commits.load(run, at);
    },
    commit: async (transaction, expected) => {
      const { run } = transaction;
      const version = await commits.write(transaction, expected);
      const own: RefChange = { name: branchOf(run), before: expected?.oid ?? null, after: version.oid };
      await swap(run, [own, ...transaction.refs], version.oid);
      return version;
    },
    head,
    read: async (run, path) => {
      const at = await head(run);
      return at && commits.read(at, path);
    },
    files: async (run, prefix = "") => {
      const at = await head(run);
      return at ? commits.files(at, prefix) : [];
    },
    list: async () => {
      const { code, stdout, stderr } = await repository.git(["for-each-ref", "--format=%(refname)", allBranches]);
      if (code !== 0) throw gitFailure("list the runs", stderr);
      return stdout
        .toString("utf8")
        .split("\n")
        .map(runPartOf)
        .flatMap((name) => runIdOf(name) ?? []);
    },
    openWriteAhead: writeAheadIn(repository.common),
    close: refs.close,
  };
}
