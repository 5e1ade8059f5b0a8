import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  aSample,
  checkoutOf,
  type Ended,
  fileOn,
  journalOf,
  type Logged,
  recording,
  type Sample,
  storyOf,
  treeOf,
} from "../support/sample.ts";
import { brokenDocuments, runFilesOf, subjectsIn } from "../support/sample-run.ts";
import { git } from "../support/store-fixtures.ts";

describe("example 3: three fixes that miss, a devil's advocate that does not", () => {
  let sample: Sample;
  let run: Ended;
  let journal: readonly Logged[];
  let before: Readonly<Record<string, string>>;
  beforeAll(async () => {
    sample = aSample({ example: "token-refresh", packages: true });
    before = checkoutOf(sample.repository);
    const script = sample.put("script.yaml", recording("token-refresh"));
    const task = ["--task", "Implement token refresh", "--branch", "feature/refresh"];
    run = await sample.cli(["run", ...task, "--script", script, "--run", "demo"], { limitMs: 100_000 });
    journal = await journalOf(sample, "demo");
  });
  afterAll(() => sample.remove());

  it("verifies three times in vain with a fix between, argues with itself, and passes on attempt 4", () => {
    expect(run.code, run.stderr).toBe(0);
    expect(storyOf(journal)).toEqual([
      "started triage-loop",
      "started triage@1",
      "completed triage@1",
      "completed triage-loop",
      "started execute-loop",
      "started execute@1",
      "completed execute@1",
      "completed execute-loop",
      "started pre-verify",
      "completed pre-verify",
      "started verify-loop",
      "started verify@1",
      "completed verify@1",
      "again verify-loop",
      "started fix@2",
      "completed fix@2",
      "started verify@2",
      "completed verify@2",
      "again verify-loop",
      "started fix@3",
      "completed fix@3",
      "started verify@3",
      "completed verify@3",
      "again verify-loop, escalated",
      "started devils-advocate@4",
      "completed devils-advocate@4",
      "started fix@4",
      "completed fix@4",
      "started verify@4",
      "completed verify@4",
      "completed verify-loop",
      "started deliver",
      "completed deliver",
    ]);
    const verdicts = journal.flatMap((event) =>
      event.type === "step.completed" && event.step.startsWith("verify@") ? [event.outputs["status"]] : [],
    );
    expect(verdicts).toEqual(["failed", "failed", "failed", "passed"]);
  });

  it("recognises the failure that comes again, and says so early", () => {
    const warnings = journal.flatMap((event) => (event.type === "step.completed" ? (event.warnings ?? []) : []));
    expect(warnings).toEqual([
      "The same failure as in attempt 1: the last fix did not touch its cause.",
      "The same failure as in attempt 2: the last fix did not touch its cause.",
    ]);
    expect(run.stderr).toContain("! verify@2: The same failure as in attempt 1");
  });

  it("keeps a document of every attempt, and each fits its contract", () => {
    const attempts = [1, 2, 3, 4];
    expect(runFilesOf(sample, "demo")).toEqual([
      ...attempts.map((n) => `checkpoints/${n}.json`),
      "definition.json",
      "devils-advocate/1/assumption-analysis.md",
      "devils-advocate/1/recommended-fix.md",
      ...attempts.map((n) => `execute/iter-${n}/state.md`),
      "pre-verify/validation-strategy.md",
      "progress.json",
      "pull-request.md",
      "results/devils-advocate@4.json",
      "results/execute@1.json",
      "results/fix@2.json",
      "results/fix@3.json",
      "results/fix@4.json",
      "results/pre-verify.json",
      "results/triage@1.json",
      ...attempts.map((n) => `results/verify@${n}.json`),
      "run.json",
      "state.json",
      "task-input.yaml",
      "triage-plan.yaml",
      ...attempts.map((n) => `verify/attempt-${n}/verification-results.md`),
      "workflow.yaml",
    ]);
    expect(brokenDocuments(sample, "demo")).toEqual([]);
    const third = fileOn(sample.repository, "perdure/runs/demo", "verify/attempt-3/verification-results.md");
    expect(third).toMatch(/^requires_devils_advocate: true$/m);
    expect(third).toContain("401 !== 200");
  });

  it("delivers a branch that passes on a fresh checkout, a commit for each change", () => {
    expect(treeOf(sample.repository, "feature/refresh")).toBe(treeOf(sample.repository, "perdure/work/demo"));
    expect(subjectsIn(sample, "main..feature/refresh")).toEqual([
      "`POST /refresh` takes a refresh token and gives a new access token",
      "The refresh token is kept at login, so that a refresh finds it",
      "The middleware reads the bearer token whatever its case",
      "`POST /refresh` gives a new access token for a refresh token that its…",
    ]);
    const fresh = join(sample.folder, "fresh");
    git(sample.folder, ["clone", "-q", "--branch", "feature/refresh", sample.repository, fresh]);
    const options = { cwd: fresh, encoding: "utf8", stdio: "pipe" } as const;
    expect(execFileSync("sh", ["-c", "node_modules/.bin/tsc -p . && node --test build/test/"], options)).toMatch(
      /# pass 2/,
    );
  });

  it("writes what a reviewer needs into the text of the pull request", () => {
    const text = fileOn(sample.repository, "perdure/runs/demo", "pull-request.md");
    expect(
      text.replace(/\d+(?:\.\d+)? s\b/g, "… s").replace(/`[0-9a-f]{12}`/g, "`BASE`"),
    ).toBe(`# Implement token refresh

## What was asked

> Implement token refresh

## What was done

\`POST /refresh\` gives a new access token for a refresh token that its user holds, and refuses any other. A user's
id stays a number from login to refresh.

## Decisions

Ids are compared as numbers; the devil's advocate found that one of them had become text.

## Verification

|   | Check | Time | Exit code |
|---|---|---|---|
| ✅ | Types | … s | 0 |
| ✅ | Integration | … s | 0 |

Passed on attempt 4.

## Assumptions

- The subject of a token and the key of a session are the same value.

## How to undo

Revert the merge, or return to \`BASE\`, where the work began.

Run \`demo\` of \`develop\` 1.0.0; its journal is the branch \`perdure/runs/demo\`.

Co-authored-by: ana
`);
  });

  it("leaves the person's checkout, index, head and other branches as they were, byte for byte", () => {
    expect(checkoutOf(sample.repository)).toEqual(before);
    const branches = git(sample.repository, ["for-each-ref", "--format=%(refname:short)"]).trim().split("\n");
    expect(branches).toEqual(["feature/refresh", "main", "perdure/runs/demo", "perdure/work/demo"]);
    expect(git(sample.repository, ["fsck", "--strict", "--no-dangling"])).toBe("");
    expect(existsSync(join(sample.repository, "build"))).toBe(false);
  });
});
