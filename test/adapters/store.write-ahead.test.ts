import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type GitStore, localStore } from "../../src/adapters/store/git/local.ts";
import { openRepository, type Repository } from "../../src/adapters/store/git/repository.ts";
import { aFolder, aRun, aScribe, created, git, started } from "../support/store-fixtures.ts";

// Real git in real processes: slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

const run = aRun();

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

describe("a write-ahead file that was cut or damaged", () => {
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
