import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { GitStore } from "../../src/adapters/store/git/local.ts";
import { remoteStore } from "../../src/adapters/store/git/remote.ts";
import { openRepository } from "../../src/adapters/store/git/repository.ts";
import { StoreConflict, StoreUnavailable } from "../../src/ports/store.ts";
import { type GitServer, gitServer } from "../support/git-http.ts";
import { aFolder, anOid, aRun, aScribe, created, git, refsIn, started } from "../support/store-fixtures.ts";
import { type StoreUnderTest, storeContract } from "./store.contract.ts";

// Real git in real processes: slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

const run = aRun();
const branch = `refs/heads/perdure/runs/${run}`;
const work = `refs/heads/perdure/work/${run}`;

interface Remote extends StoreUnderTest {
  readonly server: GitServer;
  /** The bare repository itself. */
  readonly bare: string;
  readonly waits: number[];
  /** A clone of its own, on another machine so to say. */
  other(): Promise<GitStore>;
}

async function aRemote(reach: "path" | "http"): Promise<Remote> {
  const folder = aFolder();
  const bare = join(folder.path, "origin.git");
  git(folder.path, ["init", "-q", "--bare", bare]);
  const server = await gitServer(folder.path);
  const closing: Array<() => Promise<void>> = [];
  const waits: number[] = [];
  let clones = 0;
  const open = async (): Promise<GitStore> => {
    clones += 1;
    const clone = join(folder.path, `clone-${clones}`);
    git(folder.path, ["clone", "-q", bare, clone]);
    git(clone, ["remote", "set-url", "origin", reach === "http" ? server.address("origin") : bare]);
    const repository = await openRepository(clone);
    const wait = async (ms: number): Promise<void> => void waits.push(ms);
    const store = remoteStore(repository, { remote: "origin", tries: 4, random: () => 0.5, wait });
    closing.push(store.close, repository.close);
    return store;
  };
  const store = await open();
  return {
    store,
    server,
    bare,
    waits,
    openWriteAhead: store.openWriteAhead,
    other: open,
    // In every clone, as a work tree would have made it.
    commit: (message) => {
      const commits = Array.from({ length: clones }, (_, index) =>
        aCommitAt(join(folder.path, `clone-${index + 1}`), message),
      );
      return commits[0] ?? anOid("");
    },
    refAt: (name) => {
      const text = git(bare, ["for-each-ref", "--format=%(objectname)", name]).trim();
      return text === "" ? undefined : anOid(text);
    },
    close: async () => {
      await server.close();
      expect(git(bare, ["fsck", "--strict"])).not.toMatch(/error|missing|broken/);
      for (const close of closing) await close();
      folder.remove();
    },
  };
}

/** The same commit in any repository: its time is fixed. */
function aCommitAt(directory: string, message: string) {
  const date = "2026-11-20T21:30:00Z";
  const tree = git(directory, ["mktree"]).trim();
  return anOid(
    git(directory, ["commit-tree", tree, "-m", message], "", { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date }),
  );
}

storeContract("git remote, over a path", () => aRemote("path"));
storeContract("git remote, over HTTP", () => aRemote("http"));

describe("git remote: answers that are lost", () => {
  let remote: Remote;
  let store: GitStore;
  beforeEach(async () => {
    remote = await aRemote("http");
    store = remote.store as GitStore;
  });
  afterEach(() => remote.close());

  it.each(["cut-after", "cut-halfway"] as const)(
    "L4 a push that landed and was not answered (%s) returns as if nothing had happened",
    async (fault) => {
      const scribe = aScribe(run);
      const head = remote.commit("work");
      remote.server.faults = [fault];
      const version = await store.commit(
        scribe.next([created(run)], { refs: [{ name: work, before: null, after: head }] }),
        null,
      );
      expect(remote.refAt(branch)).toBe(version.oid);
      expect(remote.refAt(work)).toBe(head);
      expect(remote.waits).toEqual([]);
      expect(await (await remote.other()).load(run)).toEqual({ events: scribe.events, version });
    },
  );

  it("L4 a push that landed, was not answered and was built upon by another, landed all the same", async () => {
    const scribe = aScribe(run);
    const rival = await remote.other();
    const first = scribe.next([created(run)]);
    let second: Promise<unknown> | undefined;
    remote.server.faults = ["cut-halfway"];
    remote.server.afterPush = async () => {
      remote.server.afterPush = () => undefined;
      const loaded = await rival.load(run);
      if (!loaded) throw new Error("The first push has landed.");
      second = rival.commit(scribe.next([started("triage")]), loaded.version);
      await second;
    };
    const version = await store.commit(first, null);
    expect(version.seq).toBe(1);
    expect(await store.load(run)).toEqual({ events: scribe.events, version: await second });
  });

  it("L4 a push that never arrived is repeated with the same bytes", async () => {
    const scribe = aScribe(run);
    remote.server.faults = ["bad-gateway", "bad-gateway"];
    const version = await store.commit(scribe.next([created(run)]), null);
    expect(remote.refAt(branch)).toBe(version.oid);
    expect(remote.waits).toEqual([200, 400]);
  });

  it("L4 a push that was cut on its way is repeated, be it by git or by us", async () => {
    remote.server.faults = ["cut-before"];
    const version = await store.commit(aScribe(run).next([created(run)]), null);
    expect(remote.refAt(branch)).toBe(version.oid);
  });

  it("L4 a push that never arrived, while another won, is a conflict", async () => {
    const rival = await remote.other();
    const scribe = aScribe(run);
    const first = await store.commit(scribe.next([created(run)]), null);
    const known = scribe.events;
    const mine = scribe.next([started("triage")]);
    const theirs = aScribe(run);
    theirs.restart(known);
    await rival.load(run);
    await rival.commit(theirs.next([started("execute")]), first);
    remote.server.faults = ["bad-gateway"];
    await expect(store.commit(mine, first)).rejects.toBeInstanceOf(StoreConflict);
    expect((await store.load(run))?.events).toEqual(theirs.events);
  });

  it("L4 a remote that cannot be reached is unavailable, after bounded tries", async () => {
    remote.server.up = false;
    await expect(store.commit(aScribe(run).next([created(run)]), null)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(remote.waits).toEqual([200, 400, 800]);
    await expect(store.load(run)).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.head(run)).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it("what the remote refuses for good is not pushed again, and the address stays out of the message", async () => {
    const hook = join(remote.bare, "hooks/pre-receive");
    git(remote.bare, ["config", "core.hooksPath", "hooks"]);
    writeFileSync(hook, "#!/bin/sh\necho 'not on a Friday'\nexit 1\n", { mode: 0o755 });
    const error: unknown = await store
      .commit(aScribe(run).next([created(run)]), null)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect(String(error)).toContain("declined");
    expect(remote.waits).toEqual([]);
  });
});

describe("git remote: a fresh machine", () => {
  const workTree = (commit: string, message: string, bare: string) =>
    anOid(git(bare, ["commit-tree", `${commit}^{tree}`, "-p", commit, "-m", message]));

  it("L3 loading a run brings its work along, into a shallow clone too, and leaves the clone's own branches alone", async () => {
    const remote = await aRemote("path");
    const one = workTree(remote.commit("first"), "one", join(remote.bare, "../clone-1"));
    const two = workTree(one, "two", join(remote.bare, "../clone-1"));
    const work = workTree(two, "work", join(remote.bare, "../clone-1"));
    git(join(remote.bare, "../clone-1"), ["push", "-q", remote.bare, `${two}:refs/heads/main`]);
    const scribe = aScribe(run);
    const refs = [{ name: `refs/heads/perdure/work/${run}`, before: null, after: work }];
    const version = await remote.store.commit(scribe.next([created(run)], { refs }), null);
    const fresh = join(remote.bare, "../fresh");
    git(remote.bare, ["clone", "-q", "--depth=1", "--single-branch", `file://${remote.bare}`, fresh]);
    const before = refsIn(fresh);
    const repository = await openRepository(fresh);
    const store = remoteStore(repository, { remote: "origin" });
    expect((await store.load(run))?.events).toEqual(scribe.events);
    expect((await repository.read(work))?.type).toBe("commit");
    const added = refsIn(fresh)
      .split("\n")
      .filter((line) => !before.includes(line));
    const mirror = "refs/perdure/mirror/perdure";
    expect(added.map((line) => line.split(" ")[0])).toEqual([`${mirror}/runs/${run}`, `${mirror}/work/${run}`]);
    await store.commit(scribe.next([started("triage")]), version);
    expect((await remote.store.load(run))?.events).toEqual(scribe.events);
    await store.close();
    await repository.close();
    await remote.close();
  });

  it("files that are read one after the other cost one look at the remote", async () => {
    const remote = await aRemote("http");
    await remote.store.commit(aScribe(run).next([created(run)], { files: { "results/a.json": "1" } }), null);
    const before = remote.server.requests.length;
    for (const path of await remote.store.files(run)) await remote.store.read(run, path);
    expect(remote.server.requests.length - before).toBe(0);
    await remote.close();
  });
});
