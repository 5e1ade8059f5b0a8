import { describe, expect, test } from "vitest";
import type { Step } from "../../src/core/definition.ts";
import {
  aPlan,
  aStep,
  at,
  atOnce,
  broke,
  claimed,
  created,
  decides,
  expression,
  inOrder,
  key,
  ran,
  started,
  stateAfter,
  template,
} from "../support/builders.ts";

const twoSteps = aPlan(inOrder("main", aStep("build"), aStep("test")));

describe("a sequential phase", () => {
  test("starts the first step of a fresh run", () => {
    expect(decides(twoSteps, stateAfter())).toEqual(["start build #1"]);
  });
  test("waits while a step of this worker runs", () => {
    expect(decides(twoSteps, stateAfter(started("build")))).toEqual(["wait steps"]);
  });
  test("D1 never starts a completed step again, and goes on with the next", () => {
    expect(decides(twoSteps, stateAfter(started("build"), ran("build")))).toEqual(["start test #1"]);
  });
  test("completes the run when every step is settled", () => {
    expect(decides(twoSteps, stateAfter(ran("build"), ran("test")))).toEqual(["record run.completed"]);
  });
  test("rests once the run is completed", () => {
    expect(decides(twoSteps, stateAfter(ran("build"), ran("test"), { type: "run.completed", outputs: {} }))).toEqual([
      "rest",
    ]);
  });
  test("fails the run when a step failed for good", () => {
    expect(decides(twoSteps, stateAfter(started("build"), broke("build")))).toEqual(["record run.failed build"]);
  });
  test("escalates instead when what failed is a verification", () => {
    expect(
      decides(
        twoSteps,
        stateAfter(started("build"), broke("build", { failure: { class: "verification", message: "no" } })),
      ),
    ).toEqual(["record run.escalated build"]);
  });
  test("goes on after a failure that the definition only warns of", () => {
    const plan = aPlan(inOrder("main", aStep("lint", { onFailure: "warn" }), aStep("test")));
    expect(decides(plan, stateAfter(started("lint"), broke("lint")))).toEqual(["start test #1"]);
  });
});

describe("an interrupted step", () => {
  test("D2 is started again by the next worker, as its next attempt", () => {
    expect(decides(twoSteps, stateAfter(started("build"), claimed(2)))).toEqual(["start build #2"]);
  });
  test("D2 is put to a person after three lost workers", () => {
    const lost = stateAfter(
      started("build"),
      claimed(2),
      started("build", 2),
      claimed(3),
      started("build", 3),
      claimed(4),
      started("build", 4),
      claimed(5),
    );
    expect(decides(twoSteps, lost)).toEqual(["record run.paused"]);
  });
  test("is put to a person at once where its effects must not happen twice", () => {
    const plan = aPlan(inOrder("main", aStep("publish", { onAmbiguous: "pause" })));
    expect(decides(plan, stateAfter(started("publish"), claimed(2)))).toEqual(["record run.paused"]);
  });
  test("is not counted against when it was stopped in order", () => {
    const stopped = stateAfter(
      started("build"),
      { type: "step.interrupted", step: key("build"), attempt: 1, cause: "SIGINT" },
      { type: "lease.released", reason: "interrupted" },
      claimed(2),
    );
    expect(decides(twoSteps, stopped)).toEqual(["start build #2"]);
    expect(stopped.steps[key("build")]?.interruptions).toBe(0);
  });
});

describe("a retry", () => {
  const failed = stateAfter(started("build"), broke("build", { retryAt: at(5_000) }));
  test("waits for its instant", () => {
    expect(decides(twoSteps, failed, at(4_999))).toEqual(["wait timer until 5000"]);
  });
  test("begins when its instant has come", () => {
    expect(decides(twoSteps, failed, at(5_000))).toEqual(["start build #2"]);
  });
});

describe("questions", () => {
  const asked = stateAfter(ran("build"), {
    type: "question.asked",
    step: key("build"),
    questions: [{ id: "q1", title: "Which?", priority: "blocking" }],
  });
  test("D3 a blocking question holds the next step", () => {
    expect(decides(twoSteps, asked)).toEqual(["wait answers"]);
  });
  test("D3 an answer lets it go on", () => {
    const answered = stateAfter(
      ran("build"),
      { type: "question.asked", step: key("build"), questions: [{ id: "q1", title: "Which?", priority: "blocking" }] },
      { type: "question.answered", answers: [{ question: "q1", answer: "this" }], by: "ana" },
    );
    expect(decides(twoSteps, answered)).toEqual(["start test #1"]);
  });
  test("an important question does not hold anything", () => {
    const open = stateAfter(ran("build"), {
      type: "question.asked",
      step: key("build"),
      questions: [{ id: "q1", title: "Which?", priority: "important" }],
    });
    expect(decides(twoSteps, open)).toEqual(["start test #1"]);
  });
  test("an approval completes its step when it is approved, and fails it as refused when not", () => {
    const plan = aPlan(
      inOrder("main", aStep("ask", { action: { type: "approval", ask: template("?"), context: template("") } })),
    );
    const question = { id: "q1", title: "Go?", priority: "blocking", approval: true } as const;
    const waiting = [started("ask"), { type: "question.asked", step: key("ask"), questions: [question] }] as const;
    const said = (answer: string) =>
      stateAfter(...waiting, { type: "question.answered", answers: [{ question: "q1", answer }], by: "ana" });
    expect(decides(plan, stateAfter(...waiting))).toEqual(["wait answers"]);
    expect(decides(plan, said("approve"))).toEqual(["record step.completed ask"]);
    expect(decides(plan, said("reject"))).toEqual(["record step.failed ask"]);
  });
});

describe("a stop that a person asked for", () => {
  const pause = { type: "run.pause-requested", by: "ana", now: false } as const;
  test("D3 lets the running step end and starts nothing", () => {
    expect(decides(twoSteps, stateAfter(started("build"), pause))).toEqual(["wait steps"]);
  });
  test("becomes the run's status when nothing runs any more", () => {
    expect(decides(twoSteps, stateAfter(started("build"), pause, ran("build")))).toEqual(["record run.paused"]);
  });
  test("a cancelled run can be resumed where it was", () => {
    const back = stateAfter(
      ran("build"),
      { type: "run.cancelled", by: "ana" },
      { type: "run.resumed", by: "ana" },
      claimed(2),
    );
    expect(decides(twoSteps, back)).toEqual(["start test #1"]);
  });
});

describe("a budget", () => {
  const plan = { ...twoSteps, definition: { ...twoSteps.definition, limits: { autoResume: 3, usd: 1 } } };
  const skill: Step = aStep("think", { action: { type: "skill", skill: "execute", config: {} } });
  const spent = { ...ran("build"), spending: { usd: 1.2, inputTokens: 1, outputTokens: 1, turns: 1 } };
  test("D3 pauses the run before a step that would spend more", () => {
    const withSkill = { ...aPlan(inOrder("main", aStep("build"), skill)), definition: plan.definition };
    expect(decides(withSkill, stateAfter(spent))).toEqual(["record run.paused"]);
  });
  test("does not hold steps that cost nothing", () => {
    expect(decides(plan, stateAfter(spent))).toEqual(["start test #1"]);
  });
});

describe("a parallel phase", () => {
  const five = aPlan(atOnce("main", 3, ...["a", "b", "c", "d", "e"].map((id) => aStep(id))));
  test("D4 starts as many as may run at once, and no more", () => {
    expect(decides(five, stateAfter())).toEqual(["start a #1", "start b #1", "start c #1"]);
    expect(decides(five, stateAfter(started("a"), started("b"), started("c")))).toEqual(["wait steps"]);
    expect(decides(five, stateAfter(started("a"), started("b"), started("c"), ran("b")))).toEqual(["start d #1"]);
  });
  test("starts nothing new after a failure, and fails when the rest is done", () => {
    const failing = [started("a"), started("b"), started("c"), broke("b")];
    expect(decides(five, stateAfter(...failing))).toEqual(["wait steps"]);
    expect(decides(five, stateAfter(...failing, ran("a"), ran("c")))).toEqual(["record run.failed b"]);
  });
  test("skips what depends on a step that was skipped for its dependency", () => {
    const plan = aPlan({
      ...atOnce("main", 3, aStep("a", { when: expression(() => false) }), aStep("b", { needs: ["a"] })),
      failFast: false,
    });
    expect(decides(plan, stateAfter())).toEqual(["record step.skipped a"]);
    expect(decides(plan, stateAfter({ type: "step.skipped", step: key("a"), reason: "condition" }))).toEqual([
      "start b #1",
    ]);
  });
});

test("D5 every prefix of a plain journal leaves something to do", () => {
  const journal = [started("build"), ran("build"), started("test"), ran("test")];
  for (let length = 0; length <= journal.length; length += 1) {
    expect(decides(twoSteps, stateAfter(...journal.slice(0, length)))).not.toEqual([]);
  }
  expect(created.run).toBe("sample-1");
});
