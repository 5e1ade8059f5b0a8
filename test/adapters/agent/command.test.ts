import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { splitWords } from "../../../src/adapters/agent/agent-config.ts";
import { commandAgent } from "../../../src/adapters/agent/command.ts";
import { answerIn, percentIn } from "../../../src/adapters/agent/command-answer.ts";
import { processGroups } from "../../../src/adapters/process/group.ts";
import type { AgentProgress, AgentResult, AgentTask } from "../../../src/ports/agent.ts";
import { aTask, endOf } from "../../support/agent-task.ts";

let parent: string;
let tree: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "perdure-command-"));
  tree = join(parent, "tree");
  mkdirSync(tree);
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const host = { PATH: process.env["PATH"], OPENAI_API_KEY: "k", ACME_KEY: "a", GITHUB_TOKEN: "t" };
async function run(
  script: string,
  more: Partial<AgentTask> = {},
): Promise<{ readonly result: AgentResult; readonly progress: readonly AgentProgress[] }> {
  const progress: AgentProgress[] = [];
  const agent = commandAgent({ processes: processGroups(), host, newId: () => "id" });
  const task = aTask(tree, { config: { command: ["/bin/sh", "-c", script] }, ...more });
  const result = await agent.run(task, new AbortController().signal, (one) => progress.push(one));
  return { result, progress };
}
const inTree = (path: string): string => readFileSync(join(tree, path), "utf8");

describe("A command", () => {
  it("gets its task on its input and beside the input documents", async () => {
    mkdirSync(join(tree, ".perdure/in/contracts"), { recursive: true });
    writeFileSync(join(tree, ".perdure/in/task-input.md"), "x");
    writeFileSync(join(tree, ".perdure/in/contracts/triage-plan.schema.json"), "{}");
    const { result } = await run("cat > seen; cmp seen .perdure/in/task.json");
    expect(result.outcome.kind).toBe("done");
    expect(JSON.parse(inTree("seen"))).toEqual({
      key: "run-1/triage/1",
      skill: "triage",
      visit: 1,
      prompt: "Plan the work.",
      access: "write",
      inputs: [".perdure/in/contracts/triage-plan.schema.json", ".perdure/in/task-input.md"],
      outputs: [{ name: "triage-plan", path: ".perdure/out/triage-plan.yaml", required: true }],
      model: null,
      tools: [],
      limits: { timeout_ms: 30_000, turns: null, usd: null },
    });
  });

  it("may answer with its documents at the end of its output, whatever it printed before", async () => {
    const answer = {
      documents: { "triage-plan.yaml": "decision: proceed\n", "../../src/a.ts": "no", "other.md": "no" },
      spending: { usd: 0.5, input_tokens: 10, output_tokens: 2, turns: 1 },
      text: "Planned.",
    };
    const { result } = await run(
      `echo '{"not":"it"}'; echo thinking; cat <<'END'\n${JSON.stringify(answer, null, 2)}\nEND`,
    );
    expect(result).toEqual({
      outcome: { kind: "done", text: "Planned." },
      spending: { usd: 0.5, inputTokens: 10, outputTokens: 2, turns: 1 },
      warnings: [
        "`../../src/a.ts` is no document of this task; it was left out.",
        "`other.md` is no document of this task; it was left out.",
      ],
    });
    expect(inTree(".perdure/out/triage-plan.yaml")).toBe("decision: proceed\n");
    expect(readdirSync(join(tree, ".perdure/out"))).toEqual(["triage-plan.yaml"]);
  });

  it("that says nothing of the kind has the end of its output as its text, without our paths", async () => {
    const { result } = await run('echo "I looked at $PWD/src"');
    expect(result.outcome).toEqual({ kind: "done", text: "I looked at src" });
  });

  it("shows its progress, and everything else as log", async () => {
    const { progress } = await run('echo "::progress::45"; echo at $PWD/a >&2; sleep 0.05; echo "::progress::250"');
    expect(progress).toEqual([
      { kind: "percent", percent: 45 },
      { kind: "log", stream: "stderr", line: "at a" },
      { kind: "percent", percent: 100 },
    ]);
  });

  it("A2 sees the model's keys, and others when the configuration names them", async () => {
    const command = ["/bin/sh", "-c", "env > seen"];
    await run("", { config: { command } });
    expect(inTree("seen")).toContain("OPENAI_API_KEY=k");
    expect(inTree("seen")).not.toContain("ACME_KEY");
    await run("", { config: { command, environment: ["ACME_KEY", "GITHUB_TOKEN"] } });
    expect(inTree("seen")).toContain("ACME_KEY=a");
    expect(inTree("seen")).not.toContain("GITHUB_TOKEN");
  });

  it("may be given as one line, which no shell reads", async () => {
    writeFileSync(join(tree, "agent.sh"), '#!/bin/sh\nprintf "%s|" "$@" > seen\n', { mode: 0o755 });
    await run("", { config: { command: "./agent.sh 'two words' $HOME \"a;b\" > out" } });
    expect(inTree("seen")).toBe("two words|$HOME|a;b|>|out|");
  });

  it.each([{}, { command: "" }, { command: "'open" }, { command: 7 }, { command: ["a", 1] }])(
    "that is configured as %j is refused",
    async (config) => {
      expect(endOf((await run("", { config })).result)).toBe("refused");
    },
  );

  it("is not run when the folders for documents lead out of the work tree", async () => {
    symlinkSync(parent, join(tree, "link"));
    const { result } = await run("touch ran", { inputs: "link/in" });
    expect(endOf(result)).toBe("refused");
    expect(existsSync(join(tree, "ran"))).toBe(false);
    expect(existsSync(join(parent, "in/task.json"))).toBe(false);
  });

  it("A3 that breaks the folder of its documents fails to answer, and nothing else", async () => {
    const answer = JSON.stringify({ documents: { "triage-plan.yaml": "x" } });
    const { result } = await run(`rm -r .perdure/out; ln -s ${parent} .perdure/out; echo '${answer}'`);
    expect(result.warnings).toEqual(["`triage-plan.yaml` is no document of this task; it was left out."]);
    expect(readdirSync(parent)).toEqual(["tree"]);
  });
});

describe("A command line", () => {
  it.each([
    ["codex exec --json", ["codex", "exec", "--json"]],
    ["  a  'b c'\t\"d e\"f\ng ", ["a", "b c", "d ef", "g"]],
    ["a\\ b 'c\\d' \"e\\\"f\\\\g\\h\" ''", ["a b", "c\\d", 'e"f\\g\\h', ""]],
    ["", []],
    ["a 'open", undefined],
    ['a "open', undefined],
    ["a \\", undefined],
  ])("%j is the words %j", (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });
});

describe("An answer at the end of the output", () => {
  it.each([
    ['{"text":"a"}', "a"],
    ['noise {\n{"text":"a"}\n\n', "a"],
    ['{"text":"first"}\n{"text":"last"}', "last"],
    ['{\n  "text": "pretty",\n  "documents": {\n  }\n}', "pretty"],
    ['{\n"documents":\n{\n},\n"text": "odd"\n}', "odd"],
  ])("%j is found", (stdout, text) => {
    expect(answerIn(stdout)?.text).toBe(text);
  });
  it.each(["", "done", '{"text":"a"}\ndone', '{"level":"info"}', '[{"text":"a"}]', '{"text":', "{}", "}"])(
    "%j holds none",
    (stdout) => {
      expect(answerIn(stdout)).toBeUndefined();
    },
  );
  it("takes nothing that is of the wrong kind", () => {
    const wrong = { documents: { a: 7, b: "b" }, spending: { usd: "1", turns: -2, input_tokens: null }, text: [] };
    expect(answerIn(JSON.stringify(wrong))).toEqual({
      documents: { b: "b" },
      spending: { usd: 0, inputTokens: 0, outputTokens: 0, turns: 0 },
    });
  });
  it("is looked for in reasonable time in a long output", () => {
    const began = performance.now();
    expect(answerIn(`${"{\n".repeat(200_000)}}`)).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe("A progress line", () => {
  it.each([
    ["::progress::45", 45],
    ["::progress:: 7 %", 7],
    ["::progress::12.5", 12],
    ["::progress::999", 100],
    ["::progress::", undefined],
    ["say ::progress::4", undefined],
    ["::progress::4 files", undefined],
  ])("%j means %j", (line, percent) => {
    expect(percentIn(line)).toBe(percent);
  });
});
