import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Oid } from "../../src/core/brand.ts";
import { type OpenWriteAhead, type Store, StoreConflict, type Version } from "../../src/ports/store.ts";
import { aRun, aScribe, completed, created, started } from "../support/store-fixtures.ts";

/** A store, and the other side of it: what a test arranges and looks at without going through the store. */
export interface StoreUnderTest {
  readonly store: Store;
  readonly openWriteAhead: OpenWriteAhead;
  /** Another worker's handle on the same runs. */
  other(): Promise<Store>;
  /** A commit that a ref of this store can point at. */
  commit(message: string): Oid;
  refAt(name: string): Oid | undefined;
  close(): Promise<void>;
}

const work = "refs/heads/perdure/work/42-7f3a";
const run = aRun();

/** The laws of `Store` and `WriteAhead`, which every adapter keeps. */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: store`, () => {
    let under: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      under = await open();
      store = under.store;
    });
    afterEach(() => under.close());

    const text = async (path: string, from = store) => {
      const bytes = await from.read(run, path);
      return bytes && Buffer.from(bytes).toString("utf8");
    };

    it("L1 a commit makes events, files and branches visible together", async () => {
      const scribe = aScribe(run);
      const head = under.commit("work");
      const transaction = scribe.next([created(run), started("triage")], {
        files: {
          "workflow.yaml": "name: develop\n",
          "verify/attempt-1/verification-results.md": new Uint8Array([0, 255, 10]),
        },
        refs: [{ name: work, before: null, after: head }],
      });
      const version = await store.commit(transaction, null);
      const other = await under.other();
      expect(await other.load(run)).toEqual({ events: scribe.events, version });
      expect(version).toMatchObject({ seq: 2, segment: 1 });
      expect(await text("workflow.yaml", other)).toBe("name: develop\n");
      expect([...((await other.read(run, "verify/attempt-1/verification-results.md")) ?? [])]).toEqual([0, 255, 10]);
      expect(under.refAt(work)).toBe(head);
    });

    it("L1 when one branch has moved, neither events nor files nor the other branch are stored", async () => {
      const scribe = aScribe(run);
      const [one, two, three] = [under.commit("one"), under.commit("two"), under.commit("three")];
      const version = await store.commit(
        scribe.next([created(run)], { refs: [{ name: work, before: null, after: one }] }),
        null,
      );
      const before = await store.load(run);
      const stale = scribe.next([started("triage")], {
        files: { "results/triage.json": "{}" },
        refs: [
          { name: `${work}--lane`, before: null, after: three },
          { name: work, before: two, after: three },
        ],
      });
      await expect(store.commit(stale, version)).rejects.toBeInstanceOf(StoreConflict);
      expect(await store.load(run)).toEqual(before);
      expect(await text("results/triage.json")).toBeUndefined();
      expect([under.refAt(work), under.refAt(`${work}--lane`)]).toEqual([one, undefined]);
    });

    it("L2 a stale append conflicts and stores nothing", async () => {
      const scribe = aScribe(run);
      const first = await store.commit(scribe.next([created(run)]), null);
      const known = scribe.events;
      const second = await store.commit(scribe.next([started("triage")]), first);
      const zombie = aScribe(run);
      zombie.restart(known);
      const late = zombie.next([started("execute")], { files: { "results/late.json": "{}" } });
      await expect((await under.other()).commit(late, first)).rejects.toBeInstanceOf(StoreConflict);
      expect(await store.load(run)).toEqual({ events: scribe.events, version: second });
      expect(await store.files(run, "results/")).toEqual([]);
    });

    it("L2 a branch that must not exist, and does, is a conflict", async () => {
      const scribe = aScribe(run);
      const version = await store.commit(
        scribe.next([created(run)], { refs: [{ name: work, before: null, after: under.commit("one") }] }),
        null,
      );
      const again = scribe.next([started("triage")], {
        refs: [{ name: work, before: null, after: under.commit("two") }],
      });
      await expect(store.commit(again, version)).rejects.toBeInstanceOf(StoreConflict);
      expect(await store.head(run)).toBe(version.oid);
    });

    it("L3 load gives the events of every commit, in order, whoever wrote them", async () => {
      const scribe = aScribe(run);
      const writers = [store, await under.other(), await under.other()];
      let version: Version | null = null;
      for (let index = 0; index < 9; index += 1) {
        const bodies = index === 0 ? [created(run)] : [started(`step-${index}`), completed(`step-${index}`)];
        const writer = writers[index % writers.length] ?? store;
        version = await writer.commit(
          scribe.next(bodies, { files: { [`results/step-${index}.json`]: `${index}\n` } }),
          version,
        );
      }
      for (const reader of writers) expect(await reader.load(run)).toEqual({ events: scribe.events, version });
      expect(version).toMatchObject({ seq: 17, segment: 9 });
    });

    it("L3 a run that nobody created is not there", async () => {
      expect(await store.load(run)).toBeUndefined();
      expect(await store.head(run)).toBeUndefined();
      expect(await store.read(run, "state.json")).toBeUndefined();
      expect(await store.files(run)).toEqual([]);
      expect(await store.list()).toEqual([]);
    });

    it("L5 of eight creators exactly one wins, and the others learn it", async () => {
      const rivals = await Promise.all(Array.from({ length: 8 }, () => under.other()));
      const outcomes = await Promise.allSettled(
        rivals.map((rival, index) => rival.commit(aScribe(run).next([created(run), started(`by-${index}`)]), null)),
      );
      const won = outcomes.filter((outcome) => outcome.status === "fulfilled");
      expect(won).toHaveLength(1);
      for (const outcome of outcomes)
        if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(StoreConflict);
      expect((await store.load(run))?.version).toEqual(won[0]?.value);
    });

    it("tells a new head from a known one", async () => {
      const scribe = aScribe(run);
      const first = await store.commit(scribe.next([created(run)]), null);
      expect(await store.head(run)).toBe(first.oid);
      const second = await (await under.other()).commit(scribe.next([started("triage")]), first);
      expect(await store.head(run)).toBe(second.oid);
    });

    it("lists runs and files, and keeps one run out of another", async () => {
      const rest = aRun("42");
      await store.commit(aScribe(run).next([created(run)], { files: { "results/a.json": "1" } }), null);
      await store.commit(aScribe(rest).next([created(rest)], { files: { "results/b.json": "2" } }), null);
      expect([...(await store.list())].sort()).toEqual([rest, run]);
      expect(await store.files(run, "results/")).toEqual(["results/a.json"]);
      expect(await store.files(rest)).toEqual([
        "journal/0000/000001.jsonl",
        "progress.json",
        "results/b.json",
        "run.json",
        "state.json",
      ]);
    });

    it("replaces a file and leaves the others alone", async () => {
      const scribe = aScribe(run);
      const first = await store.commit(
        scribe.next([created(run)], { files: { "feedback.md": "one", "results/a.json": "1" } }),
        null,
      );
      await store.commit(
        scribe.next([started("triage")], { files: { "feedback.md": "two", "results/deep/b.json": "2" } }),
        first,
      );
      expect([await text("feedback.md"), await text("results/a.json"), await text("results/deep/b.json")]).toEqual([
        "two",
        "1",
        "2",
      ]);
    });

    it("renders state, progress and, at rest, the day's log with the commit", async () => {
      const scribe = aScribe(run);
      const first = await store.commit(scribe.next([created(run), started("triage")]), null);
      expect(JSON.parse((await text("state.json")) ?? "")).toMatchObject({
        workflow: "develop",
        status: "queued",
        seq: 2,
        total_steps: 5,
      });
      expect(await store.files(run, "logs/")).toEqual([]);
      await store.commit(scribe.next([completed("triage"), { type: "lease.released", reason: "done" }]), first);
      expect(JSON.parse((await text("progress.json")) ?? "")).toMatchObject({
        seq: 4,
        steps: [{ id: 1, name: "triage", status: "completed" }],
      });
      expect((await text("logs/2026-11-20.log"))?.split("\n")).toHaveLength(5);
    });

    it("refuses a path that leads out of the run's branch or into its journal", async () => {
      for (const path of [
        "../state.json",
        "/etc/passwd",
        "a//b",
        ".git/config",
        "journal/0000/000001.jsonl",
        "a/./b",
        "",
      ])
        await expect(store.commit(aScribe(run).next([created(run)], { files: { [path]: "x" } }), null)).rejects.toThrow(
          "Not a path",
        );
      expect(await store.load(run)).toBeUndefined();
    });
  });

  describe(`${name}: write-ahead file`, () => {
    let under: StoreUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.close());

    const entries = () => {
      const scribe = aScribe(run);
      const [one, two] = [
        scribe.next([created(run)], { files: { "a.bin": new Uint8Array([0, 10, 255]), "b.txt": "täxt\n" } }),
        scribe.next([started("triage")]),
      ];
      return [one, two].map(({ events, files, refs }) => ({ events, files, refs }));
    };
    const plain = (value: unknown) =>
      JSON.parse(JSON.stringify(value, (_, item) => (item instanceof Uint8Array ? [...item] : item)));

    it("W1 an appended entry is there for whoever opens the file next, bytes and all", () => {
      const log = under.openWriteAhead(run, 1);
      for (const entry of entries()) log.append(entry);
      expect(plain(under.openWriteAhead(run, 1).pending())).toEqual(plain(entries()));
    });

    it("W2 entries that are in a commit are forgotten, and later ones follow", () => {
      const log = under.openWriteAhead(run, 1);
      const [one, two] = entries();
      if (!one || !two) throw new Error("Two entries.");
      log.append(one);
      log.clear();
      expect(log.pending()).toEqual([]);
      log.append(two);
      expect(plain(under.openWriteAhead(run, 1).pending())).toEqual(plain([two]));
    });

    it("W2 a file that nobody wrote to has nothing pending", () => {
      const log = under.openWriteAhead(run, 7);
      log.clear();
      log.drop();
      expect(log.pending()).toEqual([]);
    });

    it("W3 epochs and runs are apart, and drop takes those of its epoch and below", () => {
      const [entry] = entries();
      if (!entry) throw new Error("An entry.");
      for (const epoch of [2, 3, 10]) under.openWriteAhead(run, epoch).append(entry);
      under.openWriteAhead(aRun("42"), 2).append(entry);
      expect(under.openWriteAhead(run, 1).pending()).toEqual([]);
      under.openWriteAhead(run, 3).drop();
      const left = [2, 3, 10].map((epoch) => under.openWriteAhead(run, epoch).pending().length);
      expect([...left, under.openWriteAhead(aRun("42"), 2).pending().length]).toEqual([0, 0, 1, 1]);
    });
  });
}
