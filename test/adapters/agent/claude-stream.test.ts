import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Heard, hear, nothingHeard, spendingOf } from "../../../src/adapters/agent/claude-stream.ts";
import { isSessionLost, verdictOf } from "../../../src/adapters/agent/claude-verdict.ts";
import { withoutPath } from "../../../src/adapters/agent/paths.ts";
import type { AgentProgress } from "../../../src/ports/agent.ts";
import type { Ended } from "../../../src/ports/processes.ts";
import { doingOf } from "../../support/agent-task.ts";

/** What the real program (2.1.197) wrote against a scripted model. */
function recorded(name: string): { readonly heard: Heard; readonly progress: readonly AgentProgress[] } {
  const path = join(import.meta.dirname, "../../fixtures/agents/claude", `${name}.jsonl`);
  return listen(readFileSync(path, "utf8").trimEnd().split("\n"));
}

function listen(lines: readonly string[]): { readonly heard: Heard; readonly progress: readonly AgentProgress[] } {
  const tidy = withoutPath("/home/runner/repo");
  let heard = nothingHeard;
  const progress: AgentProgress[] = [];
  for (const line of lines) {
    const hearing = hear(heard, tidy(line));
    heard = hearing.heard;
    progress.push(...hearing.progress);
  }
  return { heard, progress };
}

const ended = (how: Ended["how"], stderr = ""): Ended => ({ how, stdout: "", stderr, survivors: [] });
const exited = (code: number): Ended => ended({ kind: "exited", code });
const run = { program: "claude", timeoutMs: 90_000 };

describe("what Claude Code says", () => {
  it("tells what the agent does, in short", () => {
    const { progress } = recorded("success");
    expect(doingOf(progress)).toEqual([
      "Read /home/x",
      "Write .perdure/out/state.md",
      "Bash npm test echo done",
      "Bash ls",
    ]);
    expect(progress.flatMap((one) => (one.kind === "log" ? [one.line] : []))).toEqual([
      "I fix it now.",
      "First the file.",
      "All done.",
    ]);
  });

  it("tells what it has cost so far, and in the end in dollars", () => {
    const { progress, heard } = recorded("success");
    const spent = progress.flatMap((one) => (one.kind === "spent" ? [one.spending] : []));
    expect(spent[0]).toEqual({ usd: 0, inputTokens: 100, outputTokens: 1, turns: 1 });
    expect(spent.at(-1)).toEqual({ usd: 0, inputTokens: 500, outputTokens: 5, turns: 5 });
    expect(spendingOf(heard)).toEqual({ usd: 0.005, inputTokens: 500, outputTokens: 100, turns: 5 });
  });

  it("tells what was not allowed, and ends well all the same", () => {
    const { heard } = recorded("success");
    expect(heard.result?.denied).toEqual(["Read /home/x", "Bash npm test echo done"]);
    expect(heard.session).toBe("11111111-1111-4111-8111-111111111111");
    expect(verdictOf(exited(0), heard, run)).toEqual({ kind: "done", text: "All done." });
  });

  it("counts cached input, and one message of several lines once", () => {
    const usage = { input_tokens: 1, cache_read_input_tokens: 10, cache_creation_input_tokens: 100, output_tokens: 2 };
    const line = JSON.stringify({ type: "assistant", message: { id: "m", usage, content: [] } });
    expect(spendingOf(listen([line, line]).heard)).toEqual({ usd: 0, inputTokens: 111, outputTokens: 2, turns: 1 });
  });

  it("shortens a long command to one short line", () => {
    const content = [{ type: "tool_use", name: "Bash", input: { command: `echo\n\t${"x".repeat(500)}` } }];
    const { progress } = listen([JSON.stringify({ type: "assistant", message: { content } })]);
    expect(doingOf(progress)).toEqual([`Bash echo ${"x".repeat(109)}…`]);
  });

  it("is only log when it makes no sense", () => {
    const lines = ["", "hello", "{broken", "[]", "7", '{"type":"news"}', '{"type":"assistant","message":null}'];
    const { heard, progress } = listen(lines);
    expect(heard).toEqual(nothingHeard);
    expect(progress.map((one) => one.kind === "log" && one.line)).toEqual([
      "hello",
      "{broken",
      "[]",
      "7",
      '{"type":"news"}',
    ]);
  });

  it("tells that it waits for the model", () => {
    expect(doingOf(recorded("overloaded-once").progress)).toEqual(["waiting for the model (529, retry 1 of 2)"]);
    expect(doingOf(recorded("connection-refused").progress)).toEqual(["waiting for the model (unknown, retry 1 of 1)"]);
  });
});

describe("the verdict", () => {
  it.each([
    ["unauthorized", "refused", "Check ANTHROPIC_API_KEY"],
    ["forbidden", "refused", "Check ANTHROPIC_API_KEY"],
    ["not-logged-in", "refused", "Not logged in"],
    ["unknown-model", "refused", "selected model (nope)"],
    ["bad-request", "refused", "tools.3: bad"],
    ["no-credit", "budget", "Credit balance is too low"],
    ["prompt-too-long", "budget", "Prompt is too long"],
    ["max-turns", "budget", "Reached maximum number of turns (1)"],
    ["max-budget", "budget", "Reached maximum budget ($0.0005)"],
    ["rate-limited", "infrastructure", "429"],
    ["overloaded", "infrastructure", "529"],
    ["server-error", "infrastructure", "500"],
    ["connection-cut", "infrastructure", "Connection closed mid-response"],
    ["connection-refused", "infrastructure", "Unable to connect"],
    ["unknown-session", "infrastructure", "No conversation found"],
  ])("of %s is %s", (name, cls, message) => {
    const verdict = verdictOf(exited(1), recorded(name).heard, run);
    expect(verdict).toEqual({ kind: "failed", class: cls, message: expect.stringContaining(message) });
  });

  it("of an error that was overcome is that all is well", () => {
    expect(verdictOf(exited(0), recorded("overloaded-once").heard, run)).toEqual({ kind: "done", text: "fine" });
  });

  it.each([
    ["killed by a signal", ended({ kind: "killed", signal: "SIGKILL" }), "infrastructure"],
    ["killed by its own fault", ended({ kind: "killed", signal: "SIGSEGV" }), "exit"],
    ["asked to leave", exited(143), "infrastructure"],
    ["silent but content", exited(0), "infrastructure"],
    ["silent and not content", exited(1), "exit"],
    ["out of time", ended({ kind: "timed-out" }), "timeout"],
    ["stopped by us", ended({ kind: "aborted" }), "interrupted"],
    ["not installed", ended({ kind: "not-started", reason: "no-program" }), "refused"],
    ["without a work tree", ended({ kind: "not-started", reason: "no-directory" }), "infrastructure"],
  ] as const)("of a program that was %s has a class of its own", (_, how, cls) => {
    expect(verdictOf(how, nothingHeard, run)).toMatchObject({ kind: "failed", class: cls });
  });

  it("goes by the exit code when the result says success", () => {
    const { heard } = recorded("success");
    expect(verdictOf(exited(2), heard, run)).toMatchObject({ kind: "failed", class: "exit" });
    expect(verdictOf(ended({ kind: "timed-out" }), heard, run)).toMatchObject({ class: "timeout" });
  });

  it("shows the end of what the program complained", () => {
    const verdict = verdictOf(ended({ kind: "exited", code: 1 }, "error: unknown option '--x'\n"), nothingHeard, run);
    expect(verdict).toHaveProperty("detail", "error: unknown option '--x'");
  });
});

describe("a resumed session is of no use", () => {
  it.each(["unknown-session", "prompt-too-long", "bad-request"])("after %s", (name) => {
    expect(isSessionLost(recorded(name).heard, "")).toBe(true);
  });
  it.each(["success", "unauthorized", "overloaded", "max-turns"])("but not after %s", (name) => {
    expect(isSessionLost(recorded(name).heard, "")).toBe(false);
  });
  it("when the program only complains that it does not know it", () => {
    expect(isSessionLost(nothingHeard, "No conversation found with session ID: x\n")).toBe(true);
  });
});
