import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { replaced } from "../../../src/adapters/agent/script.ts";
import { readScript } from "../../../src/adapters/agent/script-reader.ts";
import { scriptedAgent } from "../../../src/adapters/agent/scripted.ts";
import { parseYaml } from "../../../src/formats/yaml.ts";
import type { AgentProgress, AgentResult, AgentTask } from "../../../src/ports/agent.ts";
import { aTask, endOf } from "../../support/agent-task.ts";

let parent: string;
let tree: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "perdure-script-"));
  tree = join(parent, "tree");
  mkdirSync(join(tree, "src"), { recursive: true });
  writeFileSync(join(tree, "src/a.ts"), "one\ntwo\nthree\n");
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

async function play(
  script: unknown,
  more: Partial<AgentTask> = {},
): Promise<{ readonly result: AgentResult; readonly progress: readonly AgentProgress[] }> {
  const progress: AgentProgress[] = [];
  const task = aTask(tree, { config: { script }, ...more });
  const result = await scriptedAgent().run(task, new AbortController().signal, (one) => progress.push(one));
  return { result, progress };
}
const one = (turn: object): object => ({ turns: [{ skill: "triage", visit: 1, ...turn }] });
const inTree = (path: string): string => readFileSync(join(tree, path), "utf8");
const messageOf = ({ outcome }: AgentResult): string => (outcome.kind === "failed" ? outcome.message : "");

const recording = `
turns:
  - skill: triage
    visit: 1
    doing: [Reading the issue, Writing the plan]
    delay_ms: 20
    documents:
      triage-plan.yaml: |
        decision: proceed
    spending: { usd: 0.01, input_tokens: 1200, output_tokens: 80, turns: 2 }
    text: Planned.
  - skill: execute
    edits:
      - { path: src/a.ts, replace: [{ find: two, with: "2" }, { find: "three\\n", with: "" }] }
      - { path: src/new/b.ts, content: "new\\n" }
      - { path: src/old.ts, delete: true }
  - skill: execute
    visit: 2
    outcome: { failed: infrastructure, message: The model was busy. }
`;

describe("A scripted agent", () => {
  it("says what it is", () => {
    expect(scriptedAgent()).toMatchObject({ name: "scripted", label: "scripted (recorded, no model)" });
  });

  it("plays the turn of the skill and the visit, with its progress, documents and cost", async () => {
    writeFileSync(join(tree, "script.yaml"), recording);
    const { result, progress } = await play("script.yaml");
    const spending = { usd: 0.01, inputTokens: 1200, outputTokens: 80, turns: 2 };
    expect(result).toEqual({ outcome: { kind: "done", text: "Planned." }, spending, warnings: [] });
    expect(progress).toEqual([
      { kind: "doing", text: "Reading the issue" },
      { kind: "doing", text: "Writing the plan" },
      { kind: "spent", spending },
    ]);
    expect(inTree(".perdure/out/triage-plan.yaml")).toBe("decision: proceed\n");
  });

  it("edits, adds and deletes files, and finds it done when it does so again", async () => {
    writeFileSync(join(parent, "script.yaml"), recording);
    writeFileSync(join(tree, "src/old.ts"), "");
    chmodSync(join(tree, "src/a.ts"), 0o755);
    for (const _ of ["once", "again"]) {
      const { result } = await play(join(parent, "script.yaml"), { skill: "execute", visit: 7 });
      expect(result.outcome.kind).toBe("done");
      expect(inTree("src/a.ts")).toBe("one\n2\n");
      expect(inTree("src/new/b.ts")).toBe("new\n");
      expect(readdirSync(join(tree, "src")).sort()).toEqual(["a.ts", "new"]);
      expect(statSync(join(tree, "src/a.ts")).mode & 0o777).toBe(0o755);
    }
  });

  it("fails as its turn says, and has left its edits by then", async () => {
    writeFileSync(join(tree, "script.yaml"), recording);
    const { result } = await play("script.yaml", { skill: "execute", visit: 2 });
    expect(result.outcome).toEqual({ kind: "failed", class: "infrastructure", message: "The model was busy." });
  });

  it("that has no turn for a task says which ones it has", async () => {
    writeFileSync(join(tree, "script.yaml"), recording);
    const { result } = await play("script.yaml", { skill: "verify", visit: 2 });
    expect(endOf(result)).toBe("refused");
    expect(messageOf(result)).toBe(
      "The script has no turn for verify, visit 2. It has: triage, visit 1; execute, any visit; execute, visit 2.",
    );
  });

  it("plays a turn without a skill for a free prompt", async () => {
    const { skill: _, ...task } = aTask(tree, { config: { script: [{ text: "Free." }] } });
    const result = await scriptedAgent().run(task, new AbortController().signal, () => undefined);
    expect(result.outcome).toEqual({ kind: "done", text: "Free." });
  });

  it.each([
    [{ path: "../out.ts", content: "x" }, "leads out of the work tree: `../out.ts`"],
    [{ path: "/etc/passwd", delete: true }, "leads out of the work tree: `/etc/passwd`"],
    [{ path: ".git/hooks/pre-commit", content: "x" }, "leads out of the work tree"],
    [{ path: "up/x.ts", content: "x" }, "leads out of the work tree"],
    [{ path: "src/none.ts", replace: [{ find: "a", with: "b" }] }, "edits `src/none.ts`, which is not there"],
    [{ path: "src/a.ts", replace: [{ find: "four", with: "4" }] }, 'cannot edit `src/a.ts`: "four" is not there'],
    [{ path: "src/a.ts", replace: [{ find: "o", with: "0" }] }, 'cannot edit `src/a.ts`: "o" is there 2 times'],
  ])("that is to do %j fails with a clear message and changes nothing", async (edit, message) => {
    symlinkSync(parent, join(tree, "up"));
    const { result } = await play(one({ edits: [edit] }));
    expect(endOf(result)).toBe("refused");
    expect(messageOf(result)).toContain(message);
    expect(inTree("src/a.ts")).toBe("one\ntwo\nthree\n");
    expect(readdirSync(parent)).toEqual(["tree"]);
  });

  it("writes no document outside its output folder", async () => {
    const { result } = await play(one({ documents: { "../../src/a.ts": "x" } }));
    expect(messageOf(result)).toContain("leads out of the work tree");
    expect(inTree("src/a.ts")).toBe("one\ntwo\nthree\n");
  });

  it("whose script is missing, unreadable or not named is refused, with the places in the text", async () => {
    expect(endOf((await play("none.yaml")).result)).toBe("refused");
    expect(endOf((await play(undefined)).result)).toBe("refused");
    writeFileSync(join(tree, "script.yaml"), "turns:\n  - skil: triage\n    edits: {}\n");
    const { outcome } = (await play("script.yaml")).result;
    expect(outcome).toMatchObject({ class: "refused", detail: expect.stringMatching(/^2:5 `skil` is unknown\./) });
    expect(outcome).toHaveProperty(
      "detail",
      expect.stringContaining("3:5 `turns[0].edits` is something else. Expected a list."),
    );
  });

  it("A3 that finds a folder where it wants to write fails, and does not throw", async () => {
    const { result } = await play(one({ edits: [{ path: "src", content: "x" }] }));
    expect(endOf(result)).toBe("infrastructure");
  });
});

describe("A script", () => {
  const problemsOf = (text: string): readonly string[] => {
    const located = parseYaml(text, "script.yaml");
    const script = located.ok ? readScript(located.value) : located;
    return script.ok ? [] : script.problems.map((problem) => problem.what);
  };

  it.each([
    ["- { skill: a, visit: 1 }\n- { skill: a, visit: 1 }", "The turn `a, visit 1` is there twice."],
    ["turns: [{ skill: a, outcome: { failed: sometimes } }]", "The outcome names no class of failure."],
    ["turns: [{ edits: [{ path: a, content: b, delete: true }] }]", "An edit does one thing."],
    ["turns: [{ edits: [{ path: a, replace: [{ find: '', with: b }] }] }]", "An empty text cannot be found."],
    [
      "turns: [{ edits: [{ path: a, replace: [{ find: a, with: b }, { find: b, with: c }] }] }]",
      "This finds what an earlier replacement writes; make them one.",
    ],
    ["turns: [{ delay_ms: -1 }]", "`turns[0].delay_ms` is something else."],
    ["turns: 7", "`turns` is something else."],
    ["7", "`` is something else."],
  ])("%j is not accepted", (text, problem) => {
    expect(problemsOf(text)).toContain(problem);
  });
});

describe("A replacement", () => {
  const result = (text: string, find: string, replacement: string): unknown =>
    replaced(text, [{ find, with: replacement }]);

  it("that is there already is taken as done", () => {
    expect(result("x = 2", "x = 1", "x = 2")).toEqual({ text: "x = 2" });
    expect(result("gone", "here", "")).toEqual({ text: "gone" });
  });
  it("that keeps what it finds is not made twice", () => {
    expect(result("import a;\n", "import a;", "import a;\nimport b;")).toEqual({ text: "import a;\nimport b;\n" });
    expect(result("import a;\nimport b;\n", "import a;", "import a;\nimport b;")).toEqual({
      text: "import a;\nimport b;\n",
    });
  });
  it("is made where it is still open, though its result stands elsewhere", () => {
    expect(result("a = 2; b = 1", "b = 1", "a = 2")).toEqual({ text: "a = 2; a = 2" });
  });
  it("that would have to be made for ever is refused", () => {
    expect(result("aabb", "ab", "")).toEqual({ fault: '"ab" would be there again' });
  });
  it("is taken literally", () => {
    expect(result("a.c", "a.c", "$& $1")).toEqual({ text: "$& $1" });
  });
  it("made again changes nothing, whatever the texts", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 12 });
    fc.assert(
      fc.property(letters, letters, letters, (text, find, replacement) => {
        const first = replaced(text, [{ find, with: replacement }]);
        if ("text" in first) expect(replaced(first.text, [{ find, with: replacement }])).toEqual(first);
      }),
    );
  });
});
