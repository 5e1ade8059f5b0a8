import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type GitStore, localStore } from "../../src/adapters/store/git/local.ts";
import { openRepository, type Repository } from "../../src/adapters/store/git/repository.ts";
import { writersIn } from "../../src/adapters/store/git/writers.ts";
import { StoreConflict, StoreFull } from "../../src/ports/store.ts";
import { bundle } from "../support/bundle.ts";
import { aCommit, aFolder, aRun, aScribe, created, git, refsIn, started } from "../support/store-fixtures.ts";

const run = aRun();
const branch = `refs/heads/perdure/runs/${run}`;
const work = `refs/heads/perdure/work/${run}`;
const minute = 60_000;

const programs = aFolder();
let program = "";
beforeAll(async () => {
  program = await bundle(join(import.meta.dirname, "../support/store-child.ts"), programs.path);
  return () => programs.remove();
});

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

const child = (...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
const ended = (process: ChildProcess): Promise<number | null> => new Promise((resolve) => process.on("close", resolve));

/** The lines a child wrote before it was killed, after so many of them and a moment more. */
async function killed(
  process: ChildProcess,
  lines: number,
  kill: (process: ChildProcess) => void,
): Promise<readonly string[]> {
  let text = "";
  await new Promise<void>((resolve) => {
    process.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      if (text.split("\n").length > lines) resolve();
    });
  });
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 12));
  const end = ended(process);
  kill(process);
  await end;
  return text.split("\n").slice(0, -1);
}

describe("many processes", () => {
  it("L2 L3 eight processes append to one run: nothing is lost, and the chain is whole", {
    timeout: 3 * minute,
  }, async () => {
    await store.commit(aScribe(run).next([created(run)]), null);
    const names = Array.from({ length: 8 }, (_, index) => `worker-${index}`);
    const codes = await Promise.all(names.map((name) => ended(child("append", folder.path, name, "12"))));
    expect(codes).toEqual(names.map(() => 0));
    const loaded = await store.load(run);
    const notes = loaded?.events.flatMap((event) => (event.type === "note.added" ? [event.text] : [])) ?? [];
    for (const name of names)
      expect(notes.filter((note) => note.startsWith(`${name} `))).toEqual(
        Array.from({ length: 12 }, (_, index) => `${name} ${index}`),
      );
    expect(loaded?.version).toMatchObject({ seq: 97, segment: 97 });
    expect(git(folder.path, ["rev-list", "--count", "--first-parent", branch]).trim()).toBe("97");
  });
});

describe("killed processes", () => {
  const onlyNode = (process: ChildProcess): void => void process.kill("SIGKILL");
  /** As when a container dies: git goes with its parent, wherever it was. */
  const withGit = (process: ChildProcess): void => {
    // Stopped first: it must not get to see its git die and start another.
    process.kill("SIGSTOP");
    const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").trim().split(" ");
    for (const pid of children.filter((text) => text !== "")) killOne(Number(pid));
    process.kill("SIGKILL");
  };
  const killOne = (pid: number): void => {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It had just ended by itself.
    }
  };

  it.each([
    ["alone", onlyNode],
    ["together with its git", withGit],
  ] as const)(
    "L1 a worker killed %s in the middle of commits leaves events and branches that agree",
    { timeout: 3 * minute },
    async (_, kill) => {
      let known = 0;
      for (let round = 0; round < 12; round += 1) {
        const lines = await killed(child("commit", folder.path), 3, kill);
        const own = await openRepository(folder.path);
        const next = localStore(own);
        const loaded = await next.load(run);
        if (!loaded) throw new Error("Commits that returned are there.");
        known += lines.length;
        expect(loaded.version.seq).toBeGreaterThanOrEqual(known);
        known = loaded.version.seq;
        const last = loaded.events.findLast((event) => event.type === "step.checkpointed");
        expect(await own.resolve(work)).toBe(last?.type === "step.checkpointed" ? last.commit : undefined);
        await next.close();
        await own.close();
      }
      expect(git(folder.path, ["fsck", "--strict"])).not.toMatch(/error|missing|broken/);
    },
  );

  it("W1 W2 a worker killed in the middle of an append loses no append that returned", {
    timeout: 3 * minute,
  }, async () => {
    for (let round = 0; round < 10; round += 1) {
      const lines = await killed(child("write-ahead", folder.path), 20, onlyNode);
      const pending = store.openWriteAhead(run, 1).pending();
      expect(pending.length).toBeGreaterThanOrEqual(lines.length);
      expect(pending.map(({ events }) => events[0]?.id)).toEqual(
        pending.map((_, index) => `step.started:step-${index}:e1:${index + 1}`),
      );
      store.openWriteAhead(run, 1).drop();
    }
  });

  it("W2 a torn last line is dropped, and the next entry begins on a line of its own", () => {
    const scribe = aScribe(run);
    const entries = [scribe.next([created(run)]), scribe.next([started("a")]), scribe.next([started("b")])].map(
      ({ events }) => ({ events, files: {}, refs: [] }),
    );
    const [one, two, three] = entries;
    if (!one || !two || !three) throw new Error("Three entries.");
    const path = join(repository.common, "perdure/wal", `${run}.1.jsonl`);
    for (const torn of ['{"events":[{"id"', '{"events":[{"id":\0\0\0\0\n']) {
      store.openWriteAhead(run, 1).append(one);
      writeFileSync(path, torn, { flag: "a" });
      expect(store.openWriteAhead(run, 1).pending()).toEqual([one]);
      const log = store.openWriteAhead(run, 1);
      log.append(two);
      log.append(three);
      expect(store.openWriteAhead(run, 1).pending()).toEqual(entries);
      log.drop();
    }
  });

  it("W2 damage before the last line is not passed over", () => {
    const [entry] = [aScribe(run).next([created(run)])].map(({ events }) => ({ events, files: {}, refs: [] }));
    if (!entry) throw new Error("An entry.");
    store.openWriteAhead(run, 1).append(entry);
    const path = join(repository.common, "perdure/wal", `${run}.1.jsonl`);
    writeFileSync(path, `damaged\n${readFileSync(path, "utf8")}`);
    expect(() => store.openWriteAhead(run, 1).pending()).toThrow(
      "Line 1 of the write-ahead file of run 42-7f3a is damaged",
    );
  });
});

describe("locks that the dead left behind", () => {
  const lock = (ref: string, value: string): void => {
    const path = join(repository.common, `${ref}.lock`);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, value);
  };
  const aDeadPid = async (): Promise<number> => {
    const process = spawn("true");
    await ended(process);
    return process.pid ?? 0;
  };

  it("L1 a transaction that had moved its first branch is finished by whoever comes next", async () => {
    const scribe = aScribe(run);
    const [one, two] = [aCommit(folder.path, "one"), aCommit(folder.path, "two")];
    const version = await store.commit(
      scribe.next([created(run)], { refs: [{ name: work, before: null, after: one }] }),
      null,
    );
    // What a git killed between two renames leaves: its first ref moved, the second still locked with the new value.
    const next = aScribe(run);
    next.restart(scribe.events);
    await store.commit(next.next([started("triage")]), version);
    lock(work, `${two}\n`);
    const moved = await repository.resolve(branch);
    if (!moved) throw new Error("The run is there.");
    writersIn(repository.common).note(await aDeadPid(), [
      { name: branch, before: version.oid, after: moved },
      { name: work, before: one, after: two },
    ]);
    const fresh = localStore(repository);
    expect((await fresh.load(run))?.version.seq).toBe(2);
    expect(await repository.resolve(work)).toBe(two);
    await fresh.close();
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
    await store.head(run);
    expect(await repository.resolve(work)).toBe(one);
  });

  it("the lock of a living process is respected, and named", { timeout: minute }, async () => {
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

/** Writes until there is no room for another byte. */
function fill(path: string): void {
  for (const size of [65_536, 4_096, 1]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: "a" });
    } catch {
      // Full for this size.
    }
  }
}

const canMount = (): boolean => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const probe = aFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", probe.path], { stdio: "ignore" });
    execFileSync("umount", [probe.path]);
    return true;
  } catch {
    return false;
  } finally {
    probe.remove();
  }
};

describe("a full disk (skipped where this user cannot mount a small file system)", () => {
  it.skipIf(!canMount())("StoreFull: nothing of the commit is stored, and once there is room it goes on", async () => {
    const disk = aFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk.path]);
    try {
      git(disk.path, ["init", "-q", "--template="]);
      const small = await openRepository(disk.path);
      const tight = localStore(small);
      const scribe = aScribe(run);
      const version = await tight.commit(scribe.next([created(run)]), null);
      const log = tight.openWriteAhead(run, 1);
      const entry = { events: scribe.events, files: {}, refs: [] };
      log.append(entry);
      const before = refsIn(disk.path);
      fill(join(disk.path, "filler"));
      const next = scribe.next([started("triage")], { files: { "results/a.json": "x".repeat(50_000) } });
      await expect(tight.commit(next, version)).rejects.toBeInstanceOf(StoreFull);
      expect(() => log.append({ ...entry, files: { "results/a.json": "x".repeat(50_000) } })).toThrow(StoreFull);
      expect(refsIn(disk.path)).toBe(before);
      expect((await tight.load(run))?.version).toEqual(version);
      expect(log.pending()).toEqual([entry]);
      rmSync(join(disk.path, "filler"));
      expect((await tight.commit(next, version)).seq).toBe(2);
      log.append(entry);
      expect(tight.openWriteAhead(run, 1).pending()).toEqual([entry, entry]);
      log.drop();
      await tight.close();
      await small.close();
    } finally {
      execFileSync("umount", [disk.path]);
      disk.remove();
    }
  });
});
