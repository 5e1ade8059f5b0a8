import { describe, expect, test } from "vitest";
import type { Command } from "../../src/core/command.ts";
import type { EventBody } from "../../src/core/event.ts";
import { handle } from "../../src/core/handle.ts";
import { aPlan, aStep, inOrder, key, ran, stateAfter } from "../support/builders.ts";

const plan = aPlan(inOrder("main", aStep("a"), aStep("b")));
const told = (command: Command, ...journal: readonly EventBody[]) => {
  const result = handle(plan, stateAfter(...journal), command, "ana");
  return result.ok ? result.value.map((event) => event.type) : result.problems.map((problem) => problem.code);
};
const idle: EventBody = { type: "lease.released", reason: "idle" };
const question = (id: string, more = {}): EventBody => ({
  type: "question.asked",
  step: key("a"),
  questions: [{ id, title: `${id}?`, priority: "blocking", ...more }],
});
const answer = (answers: Readonly<Record<string, string>>, defaults = false): Command => ({
  verb: "answer",
  answers,
  defaults,
});

describe("pause and cancel", () => {
  test("ask the worker that holds the run", () => {
    expect(told({ verb: "pause", now: false })).toEqual(["run.pause-requested"]);
    expect(told({ verb: "cancel", now: true })).toEqual(["run.cancel-requested"]);
  });
  test("are final at once where nobody works", () => {
    expect(told({ verb: "pause", now: false }, idle)).toEqual(["run.paused"]);
    expect(told({ verb: "cancel", now: false }, idle)).toEqual(["run.cancelled"]);
  });
  test("are refused when the run is over", () => {
    expect(told({ verb: "cancel", now: false }, { type: "run.completed", outputs: {} })).toEqual(["run-over"]);
    expect(told({ verb: "pause", now: false }, { type: "run.failed", step: key("a"), message: "" })).toEqual([
      "run-over",
    ]);
  });
  test("a failed run can still be cancelled", () => {
    expect(told({ verb: "cancel", now: false }, idle, { type: "run.failed", step: key("a"), message: "" })).toEqual([
      "run.cancelled",
    ]);
  });
});

describe("resume", () => {
  test("needs no event for a run that was only interrupted", () => {
    expect(told({ verb: "resume" })).toEqual([]);
  });
  test("wakes a run that rests", () => {
    expect(told({ verb: "resume" }, { type: "run.paused", reason: "person", detail: "" })).toEqual(["run.resumed"]);
  });
  test("is refused while answers are missing, and names them", () => {
    expect(told({ verb: "resume" }, ran("a"), question("q1"), idle)).toEqual(["answers-missing"]);
  });
  test("is refused when the budget is spent and none is added", () => {
    const spent = [
      { ...ran("a"), spending: { usd: 5, inputTokens: 0, outputTokens: 0, turns: 1 } } as EventBody,
      { type: "run.resumed", by: "ana", usd: 4 } as const,
      { type: "run.paused", reason: "budget", detail: "" } as const,
    ];
    expect(told({ verb: "resume" }, ...spent)).toEqual(["budget-spent"]);
    expect(told({ verb: "resume", usd: 9 }, ...spent)).toEqual(["run.resumed"]);
  });
  test("is refused for a completed run", () => {
    expect(told({ verb: "resume" }, { type: "run.completed", outputs: {} })).toEqual(["run-over"]);
  });
});

describe("answer", () => {
  test("takes 1 and q1 for the same question", () => {
    expect(told(answer({ "1": "x" }), question("q1"))).toEqual(["question.answered"]);
    expect(told(answer({ q1: "x" }), question("q1"))).toEqual(["question.answered"]);
  });
  test("keeps part answers", () => {
    expect(told(answer({ q2: "x" }), question("q1"), question("q2"))).toEqual(["question.answered"]);
  });
  test("refuses what is not open, what is empty, and what an approval cannot mean", () => {
    expect(told(answer({ q7: "x" }), question("q1"))).toEqual(["unknown-question"]);
    expect(told(answer({ q1: " " }), question("q1"))).toEqual(["empty-answer"]);
    expect(
      told(
        answer({ q1: "maybe" }),
        question("q1", { approval: true, options: [{ value: "approve" }, { value: "reject" }] }),
      ),
    ).toEqual(["unknown-option"]);
    expect(told(answer({ q1: "x" }))).toEqual(["no-question"]);
  });
  test("takes defaults for what is not answered, and says when there is none", () => {
    const result = handle(
      plan,
      stateAfter(question("q1", { default: "redis" }), question("q2", { default: "yes" })),
      answer({ q2: "no" }, true),
      "ana",
    );
    expect(result).toEqual({
      ok: true,
      value: [
        {
          type: "question.answered",
          by: "ana",
          answers: [
            { question: "q2", answer: "no" },
            { question: "q1", answer: "redis" },
          ],
        },
      ],
    });
    expect(told(answer({}, true), question("q1"))).toEqual(["no-default"]);
  });
});

test("a note is kept, an empty one refused", () => {
  expect(told({ verb: "note", text: " look at the cache " })).toEqual(["note.added"]);
  expect(told({ verb: "note", text: "  " })).toEqual(["empty-note"]);
});
