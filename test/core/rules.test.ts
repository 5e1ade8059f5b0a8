import { describe, expect, test } from "vitest";
import { checksOf, fingerprintOf, verdictOf } from "../../src/core/checks.ts";
import { documentPath, sectionOf } from "../../src/core/document.ts";
import type { EventBody } from "../../src/core/event.ts";
import { sameOwner } from "../../src/core/lease.ts";
import { reportOf } from "../../src/core/report.ts";
import { defaultRetry, nextTry } from "../../src/core/retry.ts";
import { aPlan, aStep, at, inOrder, key, ran, started, stateAfter } from "../support/builders.ts";

describe("retry", () => {
  const policy = { ...defaultRetry, jitter: 0 };
  test("F17 doubles the delay up to the cap, and ends after the last try", () => {
    const delays = [1, 2, 3, 4].map((failed) => nextTry(policy, failed, "infrastructure", at(0), "s"));
    expect(delays).toEqual([1_000, 2_000, 4_000, undefined]);
    expect(nextTry({ ...policy, attempts: 30 }, 20, "infrastructure", at(0), "s")).toBe(60_000);
  });
  test("linear and constant are what they say", () => {
    expect(
      [1, 2, 3].map((failed) => nextTry({ ...policy, backoff: "linear" }, failed, "infrastructure", at(0), "s")),
    ).toEqual([1_000, 2_000, 3_000]);
    expect(
      [1, 2, 3].map((failed) => nextTry({ ...policy, backoff: "constant" }, failed, "infrastructure", at(0), "s")),
    ).toEqual([1_000, 1_000, 1_000]);
  });
  test("a deterministic exit is not tried again unless the policy says so", () => {
    expect(nextTry(policy, 1, "exit", at(0), "s")).toBeUndefined();
    expect(nextTry({ ...policy, on: ["exit"] }, 1, "exit", at(0), "s")).toBe(1_000);
  });
  test("jitter shortens by at most its share, and is the same for the same attempt", () => {
    const spread = { ...policy, jitter: 0.2 };
    for (const seed of ["a", "b", "c", "d"]) {
      const next = nextTry(spread, 1, "infrastructure", at(0), seed);
      expect(next).toBeGreaterThanOrEqual(800);
      expect(next).toBeLessThanOrEqual(1_000);
      expect(nextTry(spread, 1, "infrastructure", at(0), seed)).toBe(next);
    }
  });
});

describe("checks", () => {
  const check = { id: "unit", name: "Unit", kind: "unit", severity: "high", required: true, timeoutMs: 1 };
  test("the verdict is what the required checks say", () => {
    const of = (...statuses: readonly (readonly ["passed" | "failed" | "skipped" | "error", boolean])[]) =>
      verdictOf(statuses.map(([status, required]) => ({ check: { ...check, required }, status, ms: 1 })));
    expect(of(["passed", true], ["skipped", true])).toBe("passed");
    expect(of(["passed", true], ["failed", false])).toBe("partial");
    expect(of(["failed", true], ["error", true])).toBe("failed");
    expect(of(["error", true])).toBe("error");
  });
  test("the same failure has the same fingerprint on another day, machine and duration", () => {
    const first = "ok 1\n\u001b[31mnot ok 2 - refresh (12.5ms)\u001b[0m\n  at /home/ana/x/src/a.ts:10:3\n401 !== 200";
    const again = "ok 1\nnot ok 2 - refresh (980ms)\n  at /tmp/other/src/a.ts:11:3\n401 !== 200";
    expect(fingerprintOf("unit", again)).toBe(fingerprintOf("unit", first));
    expect(fingerprintOf("unit", "not ok 2 - login")).not.toBe(fingerprintOf("unit", first));
    expect(fingerprintOf("types", first)).not.toBe(fingerprintOf("unit", first));
  });
  test("a check without a limit gets five minutes, and is required unless it says otherwise", () => {
    expect(
      checksOf({
        checks: [
          { id: "a", command: "true" },
          { id: "b", required: false, timeout_seconds: 5, kind: "manual" },
        ],
      }),
    ).toEqual([
      { id: "a", name: "a", command: "true", kind: "unit", severity: "medium", required: true, timeoutMs: 300_000 },
      { id: "b", name: "b", kind: "manual", severity: "medium", required: false, timeoutMs: 5_000 },
    ]);
  });
});

describe("documents", () => {
  test("lie where the design says", () => {
    expect(documentPath({ name: "state", file: "state.md" }, 3)).toBe("execute/iter-3/state.md");
    expect(documentPath({ name: "verification-results", file: "verification-results.md" }, 2)).toBe(
      "verify/attempt-2/verification-results.md",
    );
    expect(documentPath({ name: "recommended-fix", file: "recommended-fix.md" }, 1)).toBe(
      "devils-advocate/1/recommended-fix.md",
    );
    expect(documentPath({ name: "triage-plan", file: "triage-plan.yaml" }, 1)).toBe("triage-plan.yaml");
  });
  test("a section ends at the next heading of its rank", () => {
    const document = { fields: {}, body: "# Top\n\n## One\n\nfirst\n\n### deeper\n\nmore\n\n## Two\n\nsecond\n" };
    expect(sectionOf(document, "One")).toBe("first\n\n### deeper\n\nmore");
    expect(sectionOf(document, "Three")).toBeUndefined();
  });
});

describe("the report", () => {
  const plan = aPlan(inOrder("main", aStep("a"), aStep("b")));
  test("counts what is settled, and says what to type", () => {
    expect(reportOf(plan, stateAfter(started("a"), ran("a")), at(2_000))).toMatchObject({
      percent: 50,
      headline: "running",
      next: ["perdure watch sample-1", "perdure pause sample-1"],
    });
  });
  test("different ends have different words", () => {
    const headline = (...journal: readonly EventBody[]) => reportOf(plan, stateAfter(...journal), at(2_000)).headline;
    const words = [
      headline({ type: "run.completed", outputs: {} }),
      headline({ type: "run.failed", step: key("a"), message: "" }),
      headline({ type: "run.escalated", step: key("a"), message: "" }),
      headline({ type: "run.paused", reason: "budget", detail: "" }),
      headline({ type: "run.paused", reason: "person", detail: "" }),
      headline({ type: "run.cancelled", by: "ana" }),
      headline(started("a"), { type: "lease.released", reason: "interrupted" }),
      headline(started("a")),
    ];
    expect(new Set(words).size).toBe(words.length);
  });
});

test("owners are the same only when everything about them is", () => {
  const owner = { kind: "process", host: "a", pid: 1, started: "1" } as const;
  expect(sameOwner(owner, { ...owner })).toBe(true);
  expect(sameOwner(owner, { ...owner, started: "2" })).toBe(false);
  expect(sameOwner(owner, { kind: "job", runId: 1, runAttempt: 1, job: "x" })).toBe(false);
});
