import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
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
} from "../support/sample.ts";
import { brokenDocuments, runFilesOf, subjectsIn } from "../support/sample-run.ts";
import { git } from "../support/store-fixtures.ts";

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
    expect(runFilesOf(sample, "typo")).toEqual([
      "checkpoints/1.json",
      "definition.json",
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
      "task-input.yaml",
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
    expect(subjectsIn(sample, "main..perdure/work/typo")).toEqual([
      "Corrected the spelling of one word in `README.md`",
    ]);
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
    expect(fileOn(sample.repository, "perdure/runs/cache", "user-responses.md")).toMatch(/## Which cache\?\n\nRedis/);
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
