import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type GitStore, localStore } from "../../src/adapters/store/git/local.ts";
import { openRepository, type Repository } from "../../src/adapters/store/git/repository.ts";
import { writersIn } from "../../src/adapters/store/git/writers.ts";
import type { Oid } from "../../src/core/brand.ts";
import { StoreConflict } from "../../src/ports/store.ts";
import { aCommit, aFolder, aRun, aScribe, created, git, started } from "../support/store-fixtures.ts";

// Real git in real processes: slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

const run = aRun();
const branch = `refs/heads/perdure/runs/${run}`;
const work = `refs/heads/perdure/work/${run}`;

let folder: ReturnType<typeof aFolder>;
let repository: Repository;
let store: GitStore;
beforeEach(async () => {
  folder = aFolder();
  git(folder.path, ["init", "-q"]);
  repository = await openRepository(folder.path);
  store = localStore(repository);
});
afterEach(async () => {
  await store.close();
  await repository.close();
  folder.remove();
});

describe.skipIf(process.platform !== "linux")("a git that dies under a living worker (where /proc shows it)", () => {
  const killGit = (): void => {
    const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").trim().split(" ");
    for (const pid of children) {
      const command = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, "utf8") : "";
      if (command.includes("update-ref")) process.kill(Number(pid), "SIGKILL");
    }
  };

  it("L4 costs no commit: each one returns, once, and events and branches agree", async () => {
    const scribe = aScribe(run);
    let version = await store.commit(scribe.next([created(run)]), null);
    let at: Oid | null = null;
    for (let index = 0; index < 40; index += 1) {
      const after = version.oid;
      const committed = store.commit(
        scribe.next([started(`step-${index}`)], { refs: [{ name: work, before: at, after }] }),
        version,
      );
      const timer = setTimeout(killGit, Math.random() * 6);
      version = await committed;
      clearTimeout(timer);
      at = after;
    }
    expect(await store.load(run)).toEqual({ events: scribe.events, version });
    expect(await repository.resolve(work)).toBe(at);
  });
});

describe("locks that the dead left behind", () => {
  const lock = (ref: string, value: string): void => {
    const path = join(repository.common, `${ref}.lock`);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, value);
  };
  const aDeadPid = async (): Promise<number> => {
    const child = spawn("true");
    await new Promise((resolve) => child.on("close", resolve));
    return child.pid ?? 0;
  };

  /** What a git killed between two renames leaves: its first ref has moved, the second is locked with its new value. */
  const halfDone = async () => {
    const scribe = aScribe(run);
    const [one, two] = [aCommit(folder.path, "one"), aCommit(folder.path, "two")];
    const refs = [{ name: work, before: null, after: one }];
    const version = await store.commit(scribe.next([created(run)], { refs }), null);
    const moved = await store.commit(scribe.next([started("triage")]), version);
    lock(work, `${two}\n`);
    const changes = [
      { name: branch, before: version.oid, after: moved.oid },
      { name: work, before: one, after: two },
    ];
    return { scribe, moved, two, changes };
  };

  it("L1 a transaction that had moved its first branch is finished by whoever comes next", async () => {
    const { changes, two } = await halfDone();
    writersIn(repository.common).note(await aDeadPid(), changes);
    expect((await store.load(run))?.version.seq).toBe(2);
    expect(await repository.resolve(work)).toBe(two);
    expect(readdirSync(join(repository.common, "perdure/writers"))).toHaveLength(1);
  });

  it("L1 it is finished even when somebody who did not look went on from its first branch", async () => {
    const { changes, two, scribe, moved } = await halfDone();
    writersIn(repository.common).note(await aDeadPid(), changes);
    await store.commit(scribe.next([started("execute")]), moved);
    expect((await store.load(run))?.version.seq).toBe(3);
    expect(await repository.resolve(work)).toBe(two);
  });

  it("L1 it is finished even when whoever was finishing it was killed in turn", async () => {
    const { changes, two } = await halfDone();
    const writers = writersIn(repository.common);
    writers.note(await aDeadPid(), changes);
    const killed = writers.settle({
      resolve: repository.resolve,
      includes: async () => false,
      finish: () => Promise.reject(new Error("Killed here.")),
    });
    await expect(killed).rejects.toThrow("Killed here.");
    const notes = join(repository.common, "perdure/writers");
    const mine = readdirSync(notes).find((name) => name.startsWith(`${process.pid}-`)) ?? "";
    renameSync(join(notes, mine), join(notes, `${await aDeadPid()}-1.1.json`));
    await store.load(run);
    expect(await repository.resolve(work)).toBe(two);
  });

  it("L1 a load waits for a writer that is still dying", async () => {
    const { changes, two } = await halfDone();
    const dying = spawn("sleep", ["0.2"]);
    writersIn(repository.common).note(dying.pid ?? 0, changes);
    await store.load(run);
    expect(await repository.resolve(work)).toBe(two);
  });

  it("L1 a transaction that had moved nothing is forgotten, and the run goes on", async () => {
    const scribe = aScribe(run);
    const version = await store.commit(scribe.next([created(run)]), null);
    const lost = aCommit(folder.path, "lost");
    lock(branch, `${lost}\n`);
    lock(work, "");
    writersIn(repository.common).note(await aDeadPid(), [
      { name: branch, before: version.oid, after: lost },
      { name: work, before: null, after: lost },
    ]);
    // Not a fresh store: this one finds the lock in the middle of its work.
    const next = await store.commit(
      scribe.next([started("triage")], { refs: [{ name: work, before: null, after: version.oid }] }),
      version,
    );
    expect(await store.head(run)).toBe(next.oid);
  });

  it("a person who moved a branch back after a transaction had ended is not overruled", async () => {
    const [one, two] = [aCommit(folder.path, "one"), aCommit(folder.path, "two")];
    git(folder.path, ["update-ref", work, one]);
    writersIn(repository.common).note(await aDeadPid(), [
      { name: branch, before: null, after: two },
      { name: work, before: one, after: two },
    ]);
    git(folder.path, ["update-ref", branch, two]);
    await store.load(run).catch(() => undefined);
    expect(await repository.resolve(work)).toBe(one);
  });

  it("the lock of a living process is respected, and named", { timeout: 60_000 }, async () => {
    const version = await store.commit(aScribe(run).next([created(run)]), null);
    lock(branch, "");
    writersIn(repository.common).note(process.pid, [{ name: branch, before: null, after: version.oid }]);
    const scribe = aScribe(run);
    scribe.restart((await store.load(run))?.events ?? []);
    const error: unknown = await store
      .commit(scribe.next([started("triage")]), version)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreConflict);
    expect(String(error)).toContain(`remove the file ${branch}.lock`);
    expect(String(error)).not.toContain(folder.path);
    rmSync(join(repository.common, `${branch}.lock`));
    await store.commit(scribe.next([started("execute")]), version).catch(() => undefined);
  });
});
