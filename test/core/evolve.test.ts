import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EventBody, JournalEvent } from "../../src/core/event.ts";
import { evolve } from "../../src/core/evolve.ts";
import { initialState, replay } from "../../src/core/fold.ts";
import type { RunState } from "../../src/core/state.ts";
import { stamp } from "../../src/engine/stamp.ts";
import { at, broke, claimed, journalOf, key, oid, ran, started, stateAfter } from "../support/builders.ts";

const step = fc.constantFrom("a", "b", "loop", "a@1", "a@2").map(key);
const attempt = fc.integer({ min: 1, max: 4 });
const by = fc.constantFrom("ana", "ben");
const anyBody: fc.Arbitrary<EventBody> = fc.oneof(
  fc.record({ type: fc.constant("step.started" as const), step, attempt }),
  fc.record({
    type: fc.constant("step.completed" as const),
    step,
    attempt,
    outputs: fc.constant({ x: 1 }),
    summary: fc.string(),
    documents: fc.constant([]),
  }),
  fc.record({
    type: fc.constant("step.failed" as const),
    step,
    attempt,
    failure: fc.constant({ class: "exit" as const, message: "no" }),
  }),
  fc.record({ type: fc.constant("step.skipped" as const), step, reason: fc.constant("condition" as const) }),
  fc.record({ type: fc.constant("step.interrupted" as const), step, attempt, cause: fc.string() }),
  fc.record({
    type: fc.constant("step.checkpointed" as const),
    step,
    attempt,
    commit: fc.constant(oid("c")),
    reason: fc.constant("timer" as const),
  }),
  fc.record({ type: fc.constant("repeat.visited" as const), step, visit: attempt, escalated: fc.boolean() }),
  fc.record({
    type: fc.constant("question.asked" as const),
    step,
    questions: fc.constant([{ id: "q1", title: "?", priority: "blocking" as const }]),
  }),
  fc.record({
    type: fc.constant("question.answered" as const),
    answers: fc.constant([{ question: "q1", answer: "yes" }]),
    by,
  }),
  fc.record({ type: fc.constant("note.added" as const), text: fc.string(), by }),
  fc.record({ type: fc.constant("run.pause-requested" as const), by, now: fc.boolean() }),
  fc.record({ type: fc.constant("run.cancel-requested" as const), by, now: fc.boolean() }),
  fc.record({ type: fc.constant("run.paused" as const), reason: fc.constant("person" as const), detail: fc.string() }),
  fc.record({ type: fc.constant("run.resumed" as const), by }),
  fc.record({ type: fc.constant("run.cancelled" as const), by }),
  fc.record({ type: fc.constant("run.completed" as const), outputs: fc.constant({}) }),
  fc.record({ type: fc.constant("effect.requested" as const), key: fc.constant("e"), step, request: fc.constant({}) }),
  fc.record({ type: fc.constant("effect.done" as const), key: fc.constant("e"), result: fc.constant({}) }),
  fc.integer({ min: 1, max: 9 }).map((epoch) => claimed(epoch)),
  fc.constant({ type: "lease.released" as const, reason: "idle" as const }),
);

describe("evolve", () => {
  test("never throws, whatever events come in whatever order, and forgets no completed work", () => {
    fc.assert(
      fc.property(fc.array(anyBody, { maxLength: 60 }), (bodies) => {
        const state = stateAfter(...bodies);
        expect(Object.keys(state.steps).length).toBeGreaterThanOrEqual(0);
        expect(state.checkpoints.length).toBeLessThanOrEqual(bodies.length);
      }),
      { numRuns: 300 },
    );
  });
  test("J5 equal journals give equal states, whether folded at once or in two parts", () => {
    fc.assert(
      fc.property(fc.array(anyBody, { maxLength: 40 }), fc.nat(40), (bodies, cut) => {
        const journal = journalOf(...bodies);
        const whole = replay(journal);
        const half = replay(journal.slice(0, Math.max(1, cut)));
        const later = journal.slice(Math.max(1, cut)).reduce(evolve, half as RunState);
        expect(later).toEqual(whole);
      }),
    );
  });
  test("a journal that does not begin at the beginning has no state", () => {
    expect(replay(stamp([started("a")], at(1), 1))).toBeUndefined();
    expect(replay([])).toBeUndefined();
  });
  test("a completion moves the head, keeps its documents and adds up what was spent", () => {
    const done = {
      ...ran("a"),
      work: { before: oid("a"), after: oid("b"), files: 2 },
      documents: [{ name: "state" as const, path: "execute/iter-1/state.md" }],
      spending: { usd: 0.1, inputTokens: 5, outputTokens: 6, turns: 1 },
      checkpoint: 1,
    };
    const state = stateAfter(started("a"), done as EventBody);
    expect(state).toMatchObject({
      head: oid("b"),
      documents: { state: { path: "execute/iter-1/state.md" } },
      spending: { usd: 0.1, inputTokens: 5 },
      checkpoints: [{ number: 1, step: "a", commit: oid("b") }],
    });
  });
  test("what an interrupted attempt kept is there for the next one, and gone when the step is done", () => {
    const kept = [
      started("a"),
      {
        type: "step.checkpointed",
        step: key("a"),
        attempt: 1,
        commit: oid("c"),
        reason: "signal",
        session: { id: "s", path: "sessions/a.gz" },
      },
      { type: "step.interrupted", step: key("a"), attempt: 1, cause: "SIGINT" },
    ] as const;
    expect(stateAfter(...kept).steps[key("a")]).toMatchObject({
      status: "pending",
      resume: { commit: oid("c"), session: { id: "s" } },
    });
    expect(stateAfter(...kept, started("a", 2), ran("a", {}, 2)).steps[key("a")]?.resume).toBeUndefined();
  });
  test("a resume gives failed steps another try and keeps what was completed", () => {
    const state = stateAfter(
      ran("a"),
      broke("b"),
      { type: "run.failed", step: key("b"), message: "no" },
      { type: "run.resumed", by: "ana" },
    );
    expect(state).toMatchObject({
      status: "queued",
      steps: { a: { status: "completed" }, b: { status: "pending", failed: 0, attempt: 0 } },
    });
    expect(state.reason).toBeUndefined();
  });
  test("a run nobody works at is waiting while a blocking question is open, and queued after the answer", () => {
    const asked = {
      type: "question.asked",
      step: key("a"),
      questions: [{ id: "q1", title: "?", priority: "blocking" }],
    } as const;
    const idle = [ran("a"), asked, { type: "lease.released", reason: "idle" }] as const;
    expect(stateAfter(...idle).status).toBe("waiting");
    expect(
      stateAfter(...idle, { type: "question.answered", answers: [{ question: "q1", answer: "x" }], by: "ana" }).status,
    ).toBe("queued");
  });
  test("an answer is kept as it was first given", () => {
    const asked = {
      type: "question.asked",
      step: key("a"),
      questions: [{ id: "q1", title: "?", priority: "blocking" }],
    } as const;
    const answers = (answer: string) =>
      ({ type: "question.answered", answers: [{ question: "q1", answer }], by: "ana" }) as const;
    expect(stateAfter(asked, answers("first"), answers("second")).questions[0]?.answer?.text).toBe("first");
  });
  test("the first event gives a queued run at its base", () => {
    const [first] = journalOf();
    expect(initialState(first as JournalEvent & { readonly type: "run.created" })).toMatchObject({
      status: "queued",
      head: oid("a"),
      epoch: 0,
      steps: {},
    });
  });
});
