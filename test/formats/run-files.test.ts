import { describe, expect, it } from "vitest";
import type { EventBody } from "../../src/core/event.ts";
import type { RunState } from "../../src/core/state.ts";
import { runFiles } from "../../src/formats/run-files.ts";
import { isLogDue, runLogs } from "../../src/formats/run-log.ts";
import { aRun, aScribe, aStep, completed, created, started } from "../support/store-fixtures.ts";

const run = aRun();
const stateOf = (...bodies: readonly EventBody[]): RunState => aScribe(run).next([created(run), ...bodies]).state;
const json = (text: string | undefined): Record<string, unknown> => JSON.parse(text ?? "") as Record<string, unknown>;
const failed = (key: string, message: string): EventBody => ({
  type: "step.failed",
  step: aStep(key),
  attempt: 1,
  failure: { class: "exit", message },
});

describe("state.json", () => {
  it("S1-070 to S1-081 has the fields that people know, in their order, before ours", () => {
    const state = stateOf(started("triage"), completed("triage"), started("verify"), failed("verify", "exit 1"));
    const file = json(runFiles(state, { from: 0, to: 5 })["state.json"]);
    expect(Object.keys(file).slice(0, 12)).toEqual([
      "workflow",
      "version",
      "status",
      "started_at",
      "updated_at",
      "completed_at",
      "current_step",
      "current_steps",
      "total_steps",
      "errors",
      "metadata",
      "run_id",
    ]);
    expect(file).toMatchObject({
      workflow: "develop",
      version: "1.0.0",
      started_at: "2026-11-20T21:30:00.000Z",
      updated_at: "2026-11-20T21:30:04.000Z",
      completed_at: null,
      current_step: 3,
      total_steps: 5,
      errors: [{ step: "verify", attempt: 1, class: "exit", message: "exit 1", at: "2026-11-20T21:30:04.000Z" }],
      metadata: { triggered_by: "label", actor: "ana", git_commit: state.base },
      run_id: run,
      seq: 5,
      epoch: 1,
      lease: null,
    });
  });

  it("S1-076 counts a repeated step once, and names what is under way", () => {
    const file = json(
      runFiles(stateOf(completed("triage"), completed("verify"), started("verify@2")), { from: 3, to: 4 })[
        "state.json"
      ],
    );
    expect(file).toMatchObject({ current_step: 2, current_steps: ["verify@2"] });
  });

  it("does not grow with the length of the run", () => {
    const bodies = Array.from({ length: 300 }, (_, index) => [
      failed(`step-${index}`, "x".repeat(50)),
      { type: "note.added", text: "y", by: "ana" } as const,
    ]).flat();
    const [short, long] = [40, 600].map(
      (count) => runFiles(stateOf(...bodies.slice(0, count)), { from: 1, to: count + 1 })["state.json"]?.length ?? 0,
    );
    expect(long).toBeLessThan((short ?? 0) + 200);
  });
});

describe("progress.json", () => {
  it("S1-082 to S1-092 has an entry for each step, with an end when it has ended", () => {
    const file = json(
      runFiles(stateOf(started("triage"), completed("triage"), started("verify@2", 3)), { from: 0, to: 4 })[
        "progress.json"
      ],
    );
    expect(file["steps"]).toEqual([
      {
        id: 1,
        name: "triage",
        step: "triage",
        visit: 1,
        status: "completed",
        attempt: 1,
        started_at: "2026-11-20T21:30:01.000Z",
        completed_at: "2026-11-20T21:30:02.000Z",
        duration_seconds: 1,
        outputs: { score: 0.5, note: "Größe – 大きさ" },
        summary: "6 files, 3 commits",
      },
      {
        id: 2,
        name: "verify",
        step: "verify@2",
        visit: 2,
        status: "running",
        attempt: 3,
        started_at: "2026-11-20T21:30:03.000Z",
      },
    ]);
  });

  it("is written with every commit of a short run, and often enough in a long one", () => {
    const state = (steps: number): RunState =>
      stateOf(
        { type: "lease.claimed", lease: { epoch: 2, owner: { kind: "job", runId: 1, runAttempt: 1, job: "x" } } },
        ...Array.from({ length: steps }, (_, index) => started(`step-${index}`)),
      );
    const written = (of: RunState) =>
      Array.from({ length: 100 }, (_, seq) => runFiles(of, { from: seq + 1, to: seq + 2 })["progress.json"]).filter(
        (text) => text !== undefined,
      ).length;
    expect(written(state(50))).toBe(100);
    expect(written(state(500))).toBe(10);
    const { lease: _, ...released } = state(500);
    expect(written(released)).toBe(100);
  });
});

describe("run.json", () => {
  it("is written once, with what was pinned", () => {
    const state = stateOf();
    expect(json(runFiles(state, { from: 0, to: 1 })["run.json"])).toMatchObject({
      run_id: run,
      spec: 1,
      definition: state.definition,
      inputs: { depth: 3 },
    });
    expect(runFiles(state, { from: 1, to: 2 })["run.json"]).toBeUndefined();
  });
});

describe("logs", () => {
  const released: EventBody = { type: "lease.released", reason: "idle" };

  it("are due at rest and at release, and not before", () => {
    const due = (body: EventBody): boolean => isLogDue(aScribe(run).next([created(run), body]).events);
    expect(
      [started("triage"), released, { type: "run.paused", reason: "person", detail: "" } as const].map(due),
    ).toEqual([false, true, true]);
  });

  it("S1-066 have a line for each event of a UTC day, and leave finished days alone", () => {
    const scribe = aScribe(run);
    const first = scribe.next([created(run), started("triage"), released]).events;
    const later = scribe
      .next([started("verify"), released])
      .events.map((event) => ({ ...event, at: (event.at + 86_400_000) as typeof event.at }));
    expect(runLogs([], first)).toEqual({
      "logs/2026-11-20.log": [
        "2026-11-20T21:30:00.000Z #1 run.created develop 1.0.0, label by ana: Add a login page",
        "2026-11-20T21:30:01.000Z #2 step.started triage, attempt 1",
        "2026-11-20T21:30:02.000Z #3 lease.released idle",
        "",
      ].join("\n"),
    });
    expect(runLogs(first, later)).toEqual({
      "logs/2026-11-21.log":
        "2026-11-21T21:30:03.000Z #4 step.started verify, attempt 1\n2026-11-21T21:30:04.000Z #5 lease.released idle\n",
    });
  });

  it("nobody can forge a line with a line break in a note", () => {
    const { events } = aScribe(run).next([
      created(run),
      { type: "note.added", by: "eve", text: "hi\r\n2026-11-20T21:30:00.000Z #9 run.completed\u2028" },
    ]);
    expect(Object.values(runLogs([], events))[0]?.split("\n")).toHaveLength(3);
  });
});
