import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claudeCodeAgent } from "../../../src/adapters/agent/claude-code.ts";
import { exportSession, importSession, slugOf } from "../../../src/adapters/agent/claude-session.ts";
import type { AgentResult, AgentTask } from "../../../src/ports/agent.ts";
import type { Ended, Processes, ProcessSpec } from "../../../src/ports/processes.ts";
import { aTask, endOf } from "../../support/agent-task.ts";

const id = "11111111-1111-4111-8111-111111111111";
const fresh = "22222222-2222-4222-8222-222222222222";
const transcript = (name: string): readonly string[] =>
  readFileSync(join(import.meta.dirname, "../../fixtures/agents/claude", `${name}.jsonl`), "utf8")
    .trimEnd()
    .split("\n");

let parent: string;
let tree: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "perdure-claude-"));
  tree = join(parent, "tree");
  mkdirSync(tree);
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** Programs that say what was recorded, one transcript after the other, and remember how they were started. */
function playing(...names: readonly string[]): Processes & { readonly specs: readonly ProcessSpec[] } {
  const specs: ProcessSpec[] = [];
  return {
    specs,
    async run(spec, _signal, onLine): Promise<Ended> {
      const name = names[specs.length] ?? "success";
      specs.push(spec);
      for (const text of transcript(name)) onLine({ stream: "stdout", text });
      const code = name === "success" ? 0 : 1;
      return { how: { kind: "exited", code }, stdout: "", stderr: "", survivors: [] };
    },
    end: async () => 0,
  };
}

const run = (processes: Processes, more: Partial<AgentTask> = {}): Promise<AgentResult> =>
  claudeCodeAgent({ processes, host: { HOME: join(parent, "home") }, newId: () => fresh }).run(
    aTask(tree, more),
    new AbortController().signal,
    () => undefined,
  );
const optionOf = (spec: ProcessSpec | undefined, option: string): string | undefined =>
  spec?.command[spec.command.indexOf(option) + 1];
const argumentsOf = async (more: Partial<AgentTask>): Promise<readonly string[]> => {
  const processes = playing("success");
  await run(processes, more);
  return processes.specs[0]?.command ?? [];
};

describe("Claude Code is started", () => {
  it("with nothing of the repository's own settings, and the prompt on its input", async () => {
    const processes = playing("success");
    await run(processes, {
      tools: ["Bash(npm test:*)", "WebFetch(domain:docs.example)"],
      model: "opus",
      prompt: "-p\nDo.",
    });
    expect(processes.specs[0]?.command).toEqual([
      ...["claude", "-p", "--output-format", "stream-json", "--verbose"],
      ...["--setting-sources", "user", "--strict-mcp-config", "--permission-mode", "acceptEdits"],
      ...["--tools", "Bash,Edit,Glob,Grep,Read,Task,Write,WebFetch"],
      ...["--allowedTools", "Edit(.perdure/out/**)", "Bash(npm test:*)", "WebFetch(domain:docs.example)"],
      ...["--session-id", fresh, "--model", "opus"],
    ]);
    expect(processes.specs[0]).toMatchObject({ input: "-p\nDo.", slot: tree, directory: tree });
  });

  it("with limits of turns and dollars", async () => {
    const limits = { timeoutMs: 1_000, turns: 7, usd: 0.5 };
    expect((await argumentsOf({ limits })).slice(-4)).toEqual(["--max-turns", "7", "--max-budget-usd", "0.5"]);
  });

  it("not at all when the budget is used up", async () => {
    const processes = playing();
    expect(endOf(await run(processes, { limits: { timeoutMs: 1_000, usd: 0 } }))).toBe("budget");
    expect(endOf(await run(processes, { limits: { timeoutMs: 1_000, turns: 0 } }))).toBe("budget");
    expect(processes.specs).toEqual([]);
  });

  it("so that reading is all it may do to the sources, when it may only read", async () => {
    const args = await argumentsOf({ access: "read" });
    expect(args[args.indexOf("--permission-mode") + 1]).toBe("default");
  });

  it("without permissions to edit that do not go with reading", async () => {
    const processes = playing("success");
    const result = await run(processes, { access: "read", tools: ["Edit", "Write(src/**)", "Bash(ls)"] });
    const args: readonly string[] = processes.specs[0]?.command ?? [];
    const allowed = args.slice(args.indexOf("--allowedTools") + 1, args.indexOf("--session-id"));
    expect(allowed).toEqual(["Edit(.perdure/out/**)", "Bash(ls)"]);
    expect(result.warnings.filter((warning) => warning.includes("left out"))).toHaveLength(2);
  });

  it("by the command of the configuration, with its arguments last", async () => {
    const args = await argumentsOf({ config: { command: "npx 'claude code'", args: ["--effort", "high"] } });
    expect(args.slice(0, 3)).toEqual(["npx", "claude code", "-p"]);
    expect(args.slice(-2)).toEqual(["--effort", "high"]);
    expect(endOf(await run(playing(), { config: { args: [7] } }))).toBe("refused");
  });

  it("without the tools that would be taken for options, and with a warning about them", async () => {
    const processes = playing("success");
    const result = await run(processes, { tools: ["--dangerously-skip-permissions", "mcp__server__tool"] });
    expect(processes.specs[0]?.command).not.toContain("--dangerously-skip-permissions");
    expect(processes.specs[0]?.command).toContain("mcp__server__tool");
    expect(optionOf(processes.specs[0], "--tools")).not.toContain("mcp__");
    expect(result.warnings[0]).toContain(
      "`--dangerously-skip-permissions` is no permission that Claude Code can be given",
    );
  });

  it("with a prompt that cannot be taken for a command of its own", async () => {
    const processes = playing("success");
    await run(processes, { prompt: "/context" });
    expect(processes.specs[0]?.input).toBe("\n/context");
  });

  it("and told to read the repository's conventions, where there are any", async () => {
    writeFileSync(join(tree, "CLAUDE.md"), "Be kind.");
    symlinkSync("/etc/passwd", join(tree, "AGENTS.md"));
    const args = await argumentsOf({});
    expect(args.at(-2)).toBe("--append-system-prompt");
    expect(args.at(-1)).toContain("stand in CLAUDE.md; read");
  });
});

describe("A session of Claude Code", () => {
  const home = (): Readonly<Record<string, string>> => ({ HOME: join(parent, "home") });

  it("is resumed with the task, and exported again", async () => {
    const processes = playing("success");
    const session = { id, bytes: new TextEncoder().encode('{"cwd":"@@PERDURE_WORK_TREE@@"}\n') };
    const result = await run(processes, { session, prompt: "Do it." });
    expect(optionOf(processes.specs[0], "--resume")).toBe(id);
    expect(processes.specs[0]?.command).not.toContain("--session-id");
    expect(processes.specs[0]?.input).toContain("goes on now");
    expect(processes.specs[0]?.input).toContain("\n\nDo it.");
    expect(result.session).toEqual({ id, bytes: Buffer.from('{"cwd":"@@PERDURE_WORK_TREE@@"}\n') });
  });

  it.each(["unknown-session", "prompt-too-long", "bad-request"])("A5 gives way to a new one after %s", async (name) => {
    const processes = playing(name, "success");
    const result = await run(processes, { session: { id, bytes: new TextEncoder().encode("{}\n") } });
    expect(processes.specs.map((spec) => optionOf(spec, "--session-id"))).toEqual([
      expect.not.stringContaining(fresh),
      fresh,
    ]);
    expect(result.outcome.kind).toBe("done");
    expect(result.warnings[0]).toMatch(/^The earlier session could not be resumed: .*; the agent started afresh\.$/);
  });

  it("does not give way to a new one after a failure that has nothing to do with it", async () => {
    const processes = playing("overloaded");
    const result = await run(processes, { session: { id, bytes: new TextEncoder().encode("{}\n") } });
    expect(processes.specs).toHaveLength(1);
    expect(endOf(result)).toBe("infrastructure");
    expect(result.warnings).toEqual([]);
  });

  it("goes from one directory to another without a path of the first", async () => {
    const folder = join(parent, "home/.claude/projects", slugOf(tree));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${id}.jsonl`), `{"cwd":"${tree}","text":"Edit ${tree}/a.ts, not ${tree}-2"}\n`);
    const session = await exportSession(home(), tree, id);
    expect(Buffer.from(session?.bytes ?? []).toString()).toBe(
      `{"cwd":"@@PERDURE_WORK_TREE@@","text":"Edit @@PERDURE_WORK_TREE@@/a.ts, not ${tree}-2"}\n`,
    );

    const other = join(parent, 'a $& "tree"');
    mkdirSync(other);
    const config = { CLAUDE_CONFIG_DIR: join(parent, "config") };
    if (session) await importSession(config, other, session);
    const landed = readFileSync(join(parent, "config/projects", slugOf(other), `${id}.jsonl`), "utf8");
    expect(JSON.parse(landed)).toMatchObject({ cwd: other, text: expect.stringContaining(`Edit ${other}/a.ts`) });
    expect((await exportSession(config, other, id))?.bytes).toEqual(session?.bytes);
  });

  it("is none when the conversation never began", async () => {
    expect(await exportSession(home(), tree, id)).toBeUndefined();
    expect(await exportSession(home(), tree, "../../../etc/passwd")).toBeUndefined();
  });

  it("lies in a folder named like the directory, with a hash when it is long", () => {
    expect(slugOf("/home/me/my.repo_1")).toBe("-home-me-my-repo-1");
    // As the real program named it.
    const long = `/tmp/exp/dir-NaxqOC/${"a".repeat(120)}/${"b.ü".repeat(40)}`;
    expect(slugOf(long)).toBe(`-tmp-exp-dir-NaxqOC-${"a".repeat(120)}-${"b--".repeat(19)}b--p3fwex`);
  });
});
