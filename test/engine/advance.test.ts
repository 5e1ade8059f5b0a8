import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { advance } from "../../src/engine/advance.ts";
import { tell } from "../../src/engine/tell.ts";
import { aPlan, aRun, aStep, atOnce, expression, inOrder, template } from "../support/builders.ts";
import { aBench, typesOf } from "../support/engine.ts";

const never = new AbortController().signal;
const eventsOf = async (bench: Awaited<ReturnType<typeof aBench>>) =>
  typesOf((await bench.store.load(aRun))?.events ?? []);

describe("advance", () => {
  test("E1 runs the steps in order and keeps every one of them", async () => {
    const bench = await aBench(aPlan(inOrder("one", aStep("a"), aStep("b")), inOrder("two", aStep("c"))));
    const stopped = await advance(await bench.worker(1), never);
    expect(stopped).toMatchObject({ kind: "idle", state: { status: "completed" } });
    expect(await eventsOf(bench)).toEqual([
      "run.created",
      "lease.claimed",
      "step.started a",
      "step.completed a",
      "step.started b",
      "step.completed b",
      "step.started c",
      "step.completed c",
      "run.completed",
      "lease.released",
    ]);
  });
  test("G2 a run of quick steps needs few commits, not one a step", async () => {
    const bench = await aBench(aPlan(inOrder("one", ...Array.from({ length: 100 }, (_, index) => aStep(`s${index}`)))));
    const before = await bench.store.load(aRun);
    await advance(await bench.worker(1), never);
    const after = await bench.store.load(aRun);
    expect(after?.events).toHaveLength(2 + 200 + 2);
    expect((after?.version.segment ?? 0) - (before?.version.segment ?? 0)).toBeLessThan(20);
  });
  test("D4 never has more of a phase running than it allows", async () => {
    const bench = await aBench(
      aPlan(atOnce("all", 3, ...Array.from({ length: 12 }, (_, index) => aStep(`s${index}`)))),
    );
    await advance(await bench.worker(1), never);
    let running = 0;
    let most = 0;
    for (const event of (await bench.store.load(aRun))?.events ?? []) {
      running += event.type === "step.started" ? 1 : event.type === "step.completed" ? -1 : 0;
      most = Math.max(most, running);
    }
    expect(most).toBe(3);
  });
  test("a failing assertion escalates the run, with the message people wrote", async () => {
    const bad = aStep("gate", {
      action: { type: "assert", condition: expression(() => false), message: template("Coverage is too low.") },
    });
    const bench = await aBench(aPlan(inOrder("one", bad, aStep("after"))));
    const stopped = await advance(await bench.worker(1), never);
    expect(stopped).toMatchObject({
      kind: "idle",
      state: { status: "escalated", reason: { step: "gate", detail: "Coverage is too low." } },
    });
  });
  test("releases the lease while it waits for a person, and goes on after the answer", async () => {
    const ask = aStep("ask", { action: { type: "approval", ask: template("Ship it?"), context: template("") } });
    const bench = await aBench(aPlan(inOrder("one", ask, aStep("ship"))));
    const clock = systemClock();
    expect(await advance(await bench.worker(1), never)).toMatchObject({ kind: "idle", state: { status: "waiting" } });
    expect((await bench.state()).lease).toBeUndefined();
    const told = await tell(
      { store: bench.store, clock, planOf: async () => bench.plan },
      { run: aRun, command: { verb: "answer", answers: { "1": "approve" }, defaults: false }, by: "ana" },
    );
    expect(told).toMatchObject({ ok: true, value: { status: "queued" } });
    expect(await advance(await bench.worker(2), never)).toMatchObject({ kind: "idle", state: { status: "completed" } });
  });
});

describe("claim", () => {
  test("J6 raises the epoch, and says who holds the run while its owner lives", async () => {
    const bench = await aBench(aPlan(inOrder("one", aStep("a"))));
    expect(await bench.claim(1)).toMatchObject({ kind: "claimed", state: { epoch: 1 } });
    expect(await bench.claim(2)).toMatchObject({ kind: "held", liveness: "alive", owner: { pid: 1 } });
    expect(await bench.claim(2, [1])).toMatchObject({ kind: "claimed", state: { epoch: 2 }, lost: { pid: 1 } });
  });
  test("J6 a worker that was taken for dead is superseded and writes nothing", async () => {
    const bench = await aBench(aPlan(inOrder("one", aStep("a"))));
    const zombie = await bench.worker(1);
    const heir = await bench.worker(2, [1]);
    expect(await advance(zombie, never)).toEqual({ kind: "superseded" });
    expect(await eventsOf(bench)).toEqual(["run.created", "lease.claimed", "lease.lost", "lease.claimed"]);
    expect(await advance(heir, never)).toMatchObject({ kind: "idle", state: { status: "completed" } });
  });
  test("takes in what a dead worker had made durable and not folded", async () => {
    const bench = await aBench(aPlan(inOrder("one", aStep("a"), aStep("b"))));
    const dying = await bench.worker(1);
    dying.ledger.append([
      { type: "step.started", step: "a" as never, attempt: 1 },
      { type: "step.completed", step: "a" as never, attempt: 1, outputs: { kept: true }, summary: "", documents: [] },
    ]);
    const heir = await bench.worker(2, [1]);
    expect(heir.ledger.state().steps["a" as never]).toMatchObject({ status: "completed", outputs: { kept: true } });
    await advance(heir, never);
    expect((await eventsOf(bench)).filter((type) => type === "step.started a")).toHaveLength(1);
  });
});

test("a pause that is told while a worker runs is carried out by it", async () => {
  const bench = await aBench(aPlan(inOrder("one", ...Array.from({ length: 400 }, (_, index) => aStep(`s${index}`)))));
  const worker = await bench.worker(1);
  const clock = systemClock();
  const telling = tell(
    { store: bench.store, clock, planOf: async () => bench.plan },
    { run: aRun, command: { verb: "pause", now: false }, by: "ana" },
  );
  const stopped = await advance(worker, never);
  expect(await telling).toMatchObject({ ok: true });
  expect(stopped).toMatchObject({ kind: "idle" });
  expect(["paused", "completed"]).toContain((await bench.state()).status);
});
