import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sha256 } from "../../src/adapters/store/compose.ts";
import { type GitStore, localStore } from "../../src/adapters/store/git/local.ts";
import { openRepository } from "../../src/adapters/store/git/repository.ts";
import { emptyJournal, readJournal, writeSegment } from "../../src/formats/journal.ts";
import type { Store } from "../../src/ports/store.ts";
import { JournalBroken } from "../../src/ports/store.ts";
import {
  aCommit,
  aFolder,
  anOid,
  aRun,
  aScribe,
  created,
  editBranch,
  git,
  refsIn,
  started,
} from "../support/store-fixtures.ts";
import { type StoreUnderTest, storeContract } from "./store.contract.ts";

// Real git in real processes: slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

const run = aRun();
const branch = `refs/heads/perdure/runs/${run}`;

/** After each commit everything is packed: nothing is loose, as in a clone or after `git gc`. */
const packing = (store: Store, directory: string): Store => ({
  ...store,
  commit: async (transaction, expected) => {
    const version = await store.commit(transaction, expected);
    git(directory, ["pack-refs", "--all"]);
    git(directory, ["repack", "-q", "-a", "-d"]);
    return version;
  },
});

async function aLocalStore(
  init: readonly string[],
  wrap = (store: Store, _directory: string): Store => store,
): Promise<StoreUnderTest> {
  const folder = aFolder();
  git(folder.path, ["init", "-q", ...init]);
  const opened: Array<() => Promise<void>> = [];
  const open = async (): Promise<GitStore> => {
    const repository = await openRepository(folder.path);
    const store = localStore(repository);
    opened.push(store.close, repository.close);
    return store;
  };
  const store = await open();
  return {
    store: wrap(store, folder.path),
    openWriteAhead: store.openWriteAhead,
    other: async () => wrap(await open(), folder.path),
    commit: (message) => aCommit(folder.path, message),
    refAt: (name) => {
      const text = git(folder.path, ["for-each-ref", "--format=%(objectname)", name]).trim();
      return text === "" ? undefined : anOid(text);
    },
    close: async () => {
      expect(git(folder.path, ["fsck", "--strict"])).not.toMatch(/error|missing|broken/);
      for (const close of opened) await close();
      folder.remove();
    },
  };
}

storeContract("git, with a work tree", () => aLocalStore([]));
storeContract("git, bare", () => aLocalStore(["--bare"]));
storeContract("git, SHA-256", () => aLocalStore(["--object-format=sha256"]));
storeContract("git, everything packed", () => aLocalStore([], packing));

describe("git: a branch that somebody edited", () => {
  let folder: ReturnType<typeof aFolder>;
  let store: GitStore;
  let close: () => Promise<void>;
  beforeEach(async () => {
    folder = aFolder();
    git(folder.path, ["init", "-q"]);
    const repository = await openRepository(folder.path);
    store = localStore(repository);
    close = repository.close;
    const scribe = aScribe(run);
    const first = await store.commit(
      scribe.next([created(run), started("triage")], { files: { "results/a.json": "{}\n" } }),
      null,
    );
    const second = await store.commit(scribe.next([started("execute")]), first);
    await store.commit(scribe.next([started("verify")]), second);
  });
  afterEach(async () => {
    await store.close();
    await close();
    folder.remove();
  });

  const segment = (n: number) => `journal/0000/00000${n}.jsonl`;
  const at = (path: string) => git(folder.path, ["show", `${branch}:${path}`]);
  const broken = async (edits: Readonly<Record<string, string | null>>): Promise<JournalBroken> => {
    editBranch(folder.path, branch, edits);
    const before = refsIn(folder.path);
    const error: unknown = await store.load(run).catch((thrown: unknown) => thrown);
    expect(refsIn(folder.path)).toBe(before);
    if (error instanceof JournalBroken) return error;
    throw new Error(`Loaded, or failed otherwise: ${String(error)}`);
  };

  it("L3 a changed event is named", async () => {
    const error = await broken({ [segment(1)]: at(segment(1)).replace('"attempt":1', '"attempt":2') });
    expect(error).toMatchObject({ run, seq: 2 });
    expect(error.message).toContain("Event 2 is not as it was written");
  });

  it("L3 an event that was changed and hashed again breaks the chain at the next one", async () => {
    const read = readJournal(new Map([[segment(1), at(segment(1))]]), sha256);
    if (read.status !== "intact") throw new Error(read.status);
    const events = read.events.map((event) => (event.type === "step.started" ? { ...event, attempt: 2 } : event));
    const error = await broken({
      [segment(1)]: writeSegment(emptyJournal, { events, files: read.files }, sha256).text,
    });
    expect(error.seq).toBe(3);
    expect(error.message).toContain("Event 3 follows another history");
  });

  it("L3 a removed segment is named", async () => {
    const error = await broken({ [segment(2)]: null });
    expect(error.seq).toBe(3);
    expect(error.message).toContain("journal/0000/000002.jsonl is missing");
  });

  it("L3 a truncated segment is noticed by its missing seal", async () => {
    const lines = at(segment(3)).split("\n");
    expect((await broken({ [segment(3)]: `${lines[0]}\n` })).seq).toBe(4);
  });

  it("L3 an edited projection is named", async () => {
    const error = await broken({ "state.json": at("state.json").replace('"queued"', '"completed"') });
    expect(error.seq).toBe(0);
    expect(error.message).toContain("state.json is not as it was written");
  });

  it("L3 a removed and an added file are named", async () => {
    expect((await broken({ "results/a.json": null })).message).toContain("results/a.json is missing");
    expect((await broken({ "results/a.json": "{}\n", "results/b.json": "{}" })).message).toContain(
      "results/b.json was added",
    );
  });

  it("L3 a journal that was copied to another run's branch is refused", async () => {
    git(folder.path, ["branch", "perdure/runs/99", "perdure/runs/42-7f3a"]);
    await expect(store.load(aRun("99"))).rejects.toThrow("is that of run 42-7f3a");
  });

  it("J7 a run of a later Perdure is refused as such, and not as broken", async () => {
    editBranch(folder.path, branch, { [segment(1)]: at(segment(1)).replace('"spec":1', '"spec":2') });
    await expect(store.load(run)).rejects.toThrow("was made by a later Perdure");
  });
});

describe("git: the repository around the runs", () => {
  let folder: ReturnType<typeof aFolder>;
  beforeEach(() => {
    folder = aFolder();
  });
  afterEach(() => folder.remove());

  it("J8 a refusal names no path of this machine", async () => {
    await expect(openRepository(join("/", "tmp"))).rejects.toThrow("not a git repository");
  });

  it("a branch named perdure is said to be in the way", async () => {
    git(folder.path, ["init", "-q", folder.path], undefined);
    git(folder.path, ["commit", "-q", "--allow-empty", "-m", "x"]);
    git(folder.path, ["branch", "perdure"]);
    const repository = await openRepository(folder.path);
    const store = localStore(repository);
    await expect(store.commit(aScribe(run).next([created(run)]), null)).rejects.toThrow(
      "The branch refs/heads/perdure keeps",
    );
    await store.close();
    await repository.close();
  });

  it("equal transactions give equal commits in different repositories", async () => {
    const oids = [];
    for (const name of ["a", "b"]) {
      git("/tmp", ["init", "-q", join(folder.path, name)]);
      const repository = await openRepository(join(folder.path, name));
      const store = localStore(repository);
      oids.push((await store.commit(aScribe(run).next([created(run), started("triage")]), null)).oid);
      expect(git(join(folder.path, name), ["log", "--format=%an %ae %s", branch])).toBe(
        "Perdure perdure@users.noreply.invalid perdure(42-7f3a): #2 step.started triage\n",
      );
      await store.close();
      await repository.close();
    }
    expect(oids[0]).toBe(oids[1]);
  });

  it("L4 a commit that is repeated after its answer was lost returns as if nothing had happened", async () => {
    git("/tmp", ["init", "-q", folder.path]);
    const repository = await openRepository(folder.path);
    const store = localStore(repository);
    const scribe = aScribe(run);
    const transaction = scribe.next([created(run)]);
    const first = await store.commit(transaction, null);
    await store.commit(scribe.next([started("triage")]), first);
    expect(await store.commit(transaction, null)).toEqual(first);
    expect((await store.load(run))?.version.seq).toBe(2);
    await store.close();
    await repository.close();
  });

  it("the hooks of the repository never run, and no reflog grows", async () => {
    git("/tmp", ["init", "-q", folder.path]);
    const hook = join(folder.path, ".git/hooks/reference-transaction");
    writeFileSync(hook, `#!/bin/sh\ntouch ${join(folder.path, "ran")}\n`, { mode: 0o755 });
    const repository = await openRepository(folder.path);
    const store = localStore(repository);
    await store.commit(aScribe(run).next([created(run)]), null);
    expect(readdirSync(folder.path)).toEqual([".git"]);
    expect(existsSync(join(folder.path, ".git/logs/refs/heads/perdure"))).toBe(false);
    expect(readFileSync(join(folder.path, ".git/config"), "utf8")).not.toContain("perdure");
    await store.close();
    await repository.close();
  });
});
