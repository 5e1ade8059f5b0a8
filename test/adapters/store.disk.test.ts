import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { localStore } from "../../src/adapters/store/git/local.ts";
import { openRepository } from "../../src/adapters/store/git/repository.ts";
import { StoreFull } from "../../src/ports/store.ts";
import { aFolder, aRun, aScribe, created, git, refsIn, started } from "../support/store-fixtures.ts";

// Real git in real processes: slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

const run = aRun();

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
