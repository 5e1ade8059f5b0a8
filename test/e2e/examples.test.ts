import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contracts } from "../../src/formats/documents.ts";
import {
  aSample,
  checkoutOf,
  completedIn,
  type Ended,
  fileOn,
  filesOn,
  journalOf,
  type Logged,
  recording,
  type Sample,
  shippedDevelop,
  storyOf,
  treeOf,
} from "../support/sample.ts";
import { git } from "../support/store-fixtures.ts";

/** What lies on a run's branch beside its journal and the log of the day. */
const filesOf = (sample: Sample, run: string): readonly string[] =>
  filesOn(sample.repository, `perdure/runs/${run}`).filter((path) => !/^(?:journal|logs|skills)\//.test(path));

/** The documents among a run's files that break their contract, with what is wrong. */
function brokenDocuments(sample: Sample, run: string): readonly string[] {
  const byFile = new Map(Object.values(contracts).map((contract) => [contract.file, contract]));
  return filesOf(sample, run).flatMap((path) => {
    const read = byFile.get(basename(path))?.read(fileOn(sample.repository, `perdure/runs/${run}`, path));
    return read?.ok === false ? read.problems.map(({ what }) => `${path}: ${what}`) : [];
  });
}

const subjects = (sample: Sample, range: string): readonly string[] =>
  git(sample.repository, ["log", "--reverse", "--format=%s", range]).trim().split("\n");

const json = (text: string): Readonly<Record<string, unknown>> => JSON.parse(text) as Readonly<Record<string, unknown>>;

describe("example 1: a trivial task is done at once, and verified all the same", () => {
  let sample: Sample;
  let run: Ended;
  let journal: readonly Logged[];
  let before: Readonly<Record<string, string>>;
  beforeAll(async () => {
    sample = aSample({ example: "fix-typo" });
    before = checkoutOf(sample.repository);
    const script = sample.put("script.yaml", recording("fix-typo"));
    run = await sample.cli(["run", "--task", "Fix typo in README", "--script", script, "--run", "typo"]);
    journal = await journalOf(sample, "typo");
  });
  afterAll(() => sample.remove());

  it("goes through every step once, in this order", () => {
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
      "completed verify-loop",
      "started deliver",
      "completed deliver",
    ]);
    expect(journal.map(({ type }) => type).slice(-2)).toEqual(["run.completed", "lease.released"]);
  });

  it("keeps the files of a run on its own branch, and every document fits its contract", () => {
    expect(filesOf(sample, "typo")).toEqual([
      "execute/iter-1/state.md",
      "pre-verify/validation-strategy.md",
      "progress.json",
      "pull-request.md",
      "results/execute@1.json",
      "results/pre-verify.json",
      "results/triage@1.json",
      "results/verify@1.json",
      "run.json",
      "state.json",
      "triage-plan.yaml",
      "verify/attempt-1/verification-results.md",
      "workflow.yaml",
    ]);
    expect(brokenDocuments(sample, "typo")).toEqual([]);
    expect(fileOn(sample.repository, "perdure/runs/typo", "workflow.yaml")).toBe(shippedDevelop());
    expect(json(fileOn(sample.repository, "perdure/runs/typo", "state.json"))).toMatchObject({
      status: "completed",
      lease: null,
      outputs: { complexity: "trivial", verdict: "passed", attempts: 1 },
    });
    expect(filesOn(sample.repository, "perdure/runs/typo").some((path) => /^logs\/[\d-]{10}\.log$/.test(path))).toBe(
      true,
    );
  });

  it("mirrors them beside the checkout, for jq and watch", () => {
    for (const path of ["state.json", "progress.json", "pull-request.md", "verify/attempt-1/verification-results.md"])
      expect(readFileSync(join(sample.repository, ".perdure/develop", path), "utf8")).toBe(
        fileOn(sample.repository, "perdure/runs/typo", path),
      );
  });

  it("leaves one commit on the work branch, and the person's checkout as it was", () => {
    expect(subjects(sample, "main..perdure/work/typo")).toEqual(["Corrected the spelling of one word in `README.md`"]);
    expect(git(sample.repository, ["diff", "--stat", "main", "perdure/work/typo"])).toMatch(
      /README\.md.*\n 1 file changed/,
    );
    expect(checkoutOf(sample.repository)).toEqual(before);
  });

  it("says the same through every command that looks", async () => {
    const status = await sample.cli(["status", "typo", "--json"]);
    expect(json(status.stdout)).toMatchObject({ status: "completed", reason: null, questions: [] });
    const inspect = await sample.cli(["inspect", "typo", "--json"]);
    expect(json(inspect.stdout)).toMatchObject({
      state: { run: "typo", status: "completed" },
      journal: { seq: journal.length },
    });
    const again = await sample.cli(["resume", "typo"]);
    expect([again.code, again.stderr]).toEqual([4, expect.stringContaining("nothing to resume")]);
    expect(await journalOf(sample, "typo")).toEqual(journal);
  });
});

describe("example 2: a task that needs an answer first", () => {
  let sample: Sample;
  let script: string;
  beforeAll(() => {
    sample = aSample({ example: "add-caching" });
    script = sample.put("script.yaml", recording("add-caching"));
  });
  afterAll(() => sample.remove());

  it("asks, ends without a runner that waits, and goes on with the answer", async () => {
    const run = await sample.cli(["run", "--task", "Add caching to API", "--script", script, "--run", "cache"]);
    expect(run.code, run.stderr).toBe(3);
    expect(run.stdout).toContain("q1 Which cache? (blocking)");
    expect(run.stdout).toMatch(/perdure answer cache q1=/);
    expect(completedIn(await journalOf(sample, "cache"))).toEqual(["triage@1"]);
    expect(fileOn(sample.repository, "perdure/runs/cache", "feedback.md")).toContain("In-memory");

    const early = await sample.cli(["resume", "cache"]);
    expect([early.code, early.stderr]).toEqual([4, expect.stringContaining("waits for an answer: Which cache?")]);
    const stranger = await sample.cli(["answer", "cache", "q7=Redis"]);
    expect([stranger.code, stranger.stderr]).toEqual([4, expect.stringContaining("No open question is called `q7`")]);

    const answer = await sample.cli(["answer", "cache", "1=Redis"]);
    expect([answer.code, answer.stdout]).toEqual([0, "Thank you. Go on with: perdure resume cache\n"]);
    const resumed = await sample.cli(["resume", "cache"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    const journal = await journalOf(sample, "cache");
    expect(storyOf(journal).filter((line) => !/-loop$/.test(line))).toEqual([
      "started triage@1",
      "completed triage@1",
      "asked q1",
      "answered q1=Redis",
      "started execute@1",
      "completed execute@1",
      "started pre-verify",
      "completed pre-verify",
      "started verify@1",
      "completed verify@1",
      "started deliver",
      "completed deliver",
    ]);
    expect(brokenDocuments(sample, "cache")).toEqual([]);
    expect(fileOn(sample.repository, "perdure/work/cache", "src/rates.js")).toContain("cache.get(currency)");
    const pull = fileOn(sample.repository, "perdure/runs/cache", "pull-request.md");
    expect(pull).toContain("Redis");
    expect(pull).toMatch(/✅ \| Unit tests .*\n\| ✅ \| A thousand kept rates/);
  });

  it("shows the answer to the agent that executes, in its prompt and as a document", async () => {
    const agent = sample.put(
      "agent.sh",
      `cat > ${sample.folder}/task.json; cp .perdure/in/user-responses.md ${sample.folder}/seen.md; echo "// Redis" >> src/rates.js
cat > .perdure/out/state.md <<'END'
---
status: completed
next_iteration_needed: false
---

## What I Completed

Kept rates in Redis.
END
`,
    );
    const definition = `name: asked
version: "1.0.0"
steps:
  - { id: triage, skill: triage }
  - { id: execute, skill: execute, agent: command, config: { command: [sh, "${agent}"] } }
`;
    const path = join(sample.repository, "asked.yaml");
    sample.put("repository/asked.yaml", definition);
    const args = ["run", "./asked.yaml", "--task", "Add caching to API", "--script", script, "--run", "asked"];
    expect((await sample.cli(args)).code).toBe(3);
    rmSync(path);
    expect((await sample.cli(["answer", "asked", "Redis, the one", "we have"])).code).toBe(0);
    const resumed = await sample.cli(["resume", "asked"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    const seen = readFileSync(join(sample.folder, "seen.md"), "utf8");
    expect(contracts["user-responses"].read(seen)).toMatchObject({
      ok: true,
      value: { fields: { responses: [{ question_id: "q1", answer: "Redis, the one we have", answered_by: "ana" }] } },
    });
    const task = json(readFileSync(join(sample.folder, "task.json"), "utf8"));
    expect(task["prompt"]).toContain("Redis, the one we have");
    expect(task["inputs"]).toContain(".perdure/in/user-responses.md");
  });
});

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
    expect(filesOf(sample, "demo")).toEqual([
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
    expect(subjects(sample, "main..feature/refresh")).toEqual([
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
