import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JournalEvent } from "../../src/core/event.ts";
import type { Plan } from "../../src/core/plan.ts";
import { advance } from "../../src/engine/advance.ts";
import type { Store, WriteAhead } from "../../src/ports/store.ts";
import { aPlan, aRun, aStep, atOnce, expression, inOrder } from "../support/builders.ts";
import { aBench } from "../support/engine.ts";

/** The process is gone: nothing after this happens. */
class Killed extends Error {
  override readonly name = "Killed";
}

const later = expression((scope) => Number(scope["visit"]) > 1);
const third = expression((scope) => Number(scope["visit"]) >= 4);
const plans: Readonly<Record<string, Plan>> = {
  "a chain": aPlan(inOrder("one", aStep("a"), aStep("b")), inOrder("two", aStep("c"))),
  "a fan": aPlan(atOnce("all", 2, aStep("a"), aStep("b"), aStep("c"), aStep("d", { needs: ["a", "b"] }))),
  "a repeat with an escalation": aPlan(
    inOrder(
      "verify",
      aStep("loop", {
        action: {
          type: "repeat",
          max: 5,
          until: third,
          steps: [aStep("fix", { when: later }), aStep("check")],
          escalate: { after: 3, steps: [aStep("advocate")] },
        },
      }),
      aStep("deliver"),
    ),
  ),
};

type Boundary = "write-ahead, before" | "write-ahead, after" | "commit, before" | "commit, after";

/** Runs the plan; the n-th call at the boundary kills the worker, and another process takes over. */
async function runKilled(
  plan: Plan,
  boundary: Boundary,
  nth: number,
): Promise<{ readonly events: readonly JournalEvent[]; readonly killed: boolean }> {
  const bench = await aBench(plan);
  let calls = 0;
  let killed = false;
  const strike = (here: Boundary): void => {
    if (killed) throw new Killed();
    if (here !== boundary) return;
    calls += 1;
    if (calls !== nth) return;
    killed = true;
    throw new Killed();
  };
  const store: Store = {
    ...bench.store,
    async commit(transaction, expected) {
      strike("commit, before");
      const version = await bench.store.commit(transaction, expected);
      strike("commit, after");
      return version;
    },
  };
  const guard = (writeAhead: WriteAhead): WriteAhead => ({
    ...writeAhead,
    append(entry) {
      strike("write-ahead, before");
      writeAhead.append(entry);
      strike("write-ahead, after");
    },
    clear: () => (killed ? undefined : writeAhead.clear()),
    drop: () => (killed ? undefined : writeAhead.drop()),
  });
  const never = new AbortController().signal;
  await advance(await bench.worker(1, [], { store, guard }), never).catch((error: unknown) => {
    if (!(error instanceof Killed)) throw error;
  });
  await advance(await bench.worker(2, [1]), never);
  return { events: (await bench.store.load(aRun))?.events ?? [], killed };
}

const completions = (events: readonly JournalEvent[]): readonly string[] =>
  events.flatMap((event) => (event.type === "step.completed" || event.type === "step.skipped" ? [event.step] : []));

describe.each(Object.entries(plans))("J5 %s, killed anywhere", (_, plan) => {
  test.each<Boundary>(["write-ahead, before", "write-ahead, after", "commit, before", "commit, after"])(
    "%s",
    async (boundary) => {
      const undisturbed = completions((await runKilled(plan, boundary, 10_000)).events).toSorted();
      let points = 0;
      for (let nth = 1; ; nth += 1) {
        const { events, killed } = await runKilled(plan, boundary, nth);
        if (!killed) break;
        points += 1;
        expect(
          events.filter(({ type }) => type === "run.completed"),
          `killed at call ${nth}`,
        ).toHaveLength(1);
        expect(completions(events).toSorted(), `killed at call ${nth}`).toEqual(undisturbed);
        const done = new Set<string>();
        for (const event of events) {
          if (event.type === "step.completed") done.add(event.step);
          if (event.type === "step.started")
            expect(done.has(event.step), `${event.step} started again after it was completed`).toBe(false);
        }
      }
      expect(points).toBeGreaterThan(0);
    },
  );
});

test("J5 and killed again and again, at random", async () => {
  const plan = plans["a repeat with an escalation"] as Plan;
  const boundaries = fc.constantFrom<Boundary>(
    "write-ahead, before",
    "write-ahead, after",
    "commit, before",
    "commit, after",
  );
  await fc.assert(
    fc.asyncProperty(boundaries, fc.integer({ min: 1, max: 12 }), async (boundary, nth) => {
      const { events } = await runKilled(plan, boundary, nth);
      expect(new Set(completions(events)).size).toBe(completions(events).length);
    }),
    { numRuns: 60 },
  );
});
