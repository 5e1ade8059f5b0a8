import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type GitStore, localStore } from "../../src/adapters/store/git/local.ts";
import { openRepository, type Repository } from "../../src/adapters/store/git/repository.ts";
import { bundle } from "../support/bundle.ts";
import { aFolder, aRun, aScribe, created, git } from "../support/store-fixtures.ts";

// Real git in real processes: slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

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
});
