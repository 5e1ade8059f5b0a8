import { describe, expect, test } from "vitest";
import type { EventBody } from "../../src/core/event.ts";
import {
  aPlan,
  aStep,
  broke,
  claimed,
  decides,
  expression,
  inOrder,
  key,
  ran,
  started,
  stateAfter,
} from "../support/builders.ts";

const passed = expression(
  (scope) => (scope["steps"] as { verify: { outputs: { ok?: boolean } } }).verify.outputs.ok ?? false,
);
const later = expression((scope) => Number(scope["visit"]) > 1);
const plan = aPlan(
  inOrder(
    "verify",
    aStep("loop", {
      action: {
        type: "repeat",
        max: 5,
        until: passed,
        steps: [aStep("fix", { when: later }), aStep("verify")],
        escalate: { after: 3, steps: [aStep("advocate")] },
      },
    }),
  ),
);

/** Plays the loop until it rests on something other than a start, every verification giving what the script says. */
function play(verdicts: readonly boolean[]): readonly string[] {
  const journal: EventBody[] = [];
  const seen: string[] = [];
  for (let turn = 0; turn < 100; turn += 1) {
    const [word] = decides(plan, stateAfter(...journal));
    if (word === undefined) break;
    seen.push(word);
    const [verb, subject = "", step = ""] = word.split(" ");
    if (verb === "start") {
      const visit = Number(subject.split("@")[1]);
      journal.push(
        started(subject),
        ran(subject, subject.startsWith("verify") ? { ok: verdicts[visit - 1] ?? false } : {}),
      );
    } else if (subject === "step.skipped") journal.push({ type: "step.skipped", step: key(step), reason: "condition" });
    else if (subject === "step.started") journal.push(started(step));
    else if (subject === "repeat.visited") {
      const visit = (stateAfter(...journal).repeats["loop" as never]?.visit ?? 0) + 1;
      journal.push({ type: "repeat.visited", step: key("loop"), visit, escalated: visit > 3 });
    } else if (subject === "step.completed") journal.push(ran(step));
    else if (subject === "step.failed")
      journal.push(broke(step, { failure: { class: "verification", message: "ran out" } }));
    else if (subject === "run.completed" || subject === "run.escalated") break;
  }
  return seen.filter((word) => word.startsWith("start ") || word.startsWith("record run"));
}

describe("a repeat", () => {
  test("ends after one visit when its goal is reached at once", () => {
    expect(play([true])).toEqual(["start verify@1 #1", "record run.completed"]);
  });
  test("R1 gives every failed visit a fix, and the escalation goes first after three", () => {
    expect(play([false, false, false, true])).toEqual([
      "start verify@1 #1",
      "start fix@2 #1",
      "start verify@2 #1",
      "start fix@3 #1",
      "start verify@3 #1",
      "start advocate@4 #1",
      "start fix@4 #1",
      "start verify@4 #1",
      "record run.completed",
    ]);
  });
  test("R4 escalates to a person when its visits have run out", () => {
    const words = play([]);
    expect(words.filter((word) => word.startsWith("start verify"))).toHaveLength(5);
    expect(words.at(-1)).toBe("record run.escalated loop");
  });
  test("R4 gets as many visits again when a person resumes it", () => {
    const ranOut = [
      started("loop"),
      { type: "repeat.visited", step: key("loop"), visit: 5, escalated: false },
      ran("fix@5"),
      ran("verify@5", { ok: false }),
      broke("loop", { failure: { class: "verification", message: "ran out" } }),
      { type: "run.escalated", step: key("loop"), message: "ran out" },
      { type: "run.resumed", by: "ana" },
      claimed(2),
    ] as const satisfies readonly EventBody[];
    expect(decides(plan, stateAfter(...ranOut))).toEqual(["record repeat.visited loop"]);
  });
  test("R3 fails with the failure of its step", () => {
    const journal = [
      started("loop"),
      { type: "repeat.visited", step: key("loop"), visit: 1, escalated: false },
      broke("verify@1"),
    ] as const satisfies readonly EventBody[];
    expect(decides(plan, stateAfter(...journal))).toEqual(["record step.skipped fix@1"]);
    expect(
      decides(plan, stateAfter(...journal, { type: "step.skipped", step: key("fix@1"), reason: "condition" })),
    ).toEqual(["record step.failed loop"]);
  });
  test("D2 a visit's interrupted step is started again, and nothing of the visit before it", () => {
    const journal = [
      started("loop"),
      { type: "repeat.visited", step: key("loop"), visit: 2, escalated: false },
      ran("fix@2"),
      started("verify@2"),
      claimed(2),
    ] as const satisfies readonly EventBody[];
    expect(decides(plan, stateAfter(...journal))).toEqual(["start verify@2 #2"]);
  });
});
