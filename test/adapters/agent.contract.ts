import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Agent, AgentProgress, AgentResult, AgentTask } from "../../src/ports/agent.ts";
import { aTask, endOf } from "../support/agent-task.ts";
import { isAlive } from "../support/alive.ts";

/** What an agent can be made to do; one without a process has fewer ways to misbehave. */
export type Behaviour =
  | ("document" | "hang" | "fails")
  | ("environment" | "exit" | "stubborn" | "killed" | "forks" | "leaves" | "garbage" | "outside" | "missing");

export interface AgentUnderTest {
  readonly name: string;
  readonly runsProcesses: boolean;
  agent(host: Readonly<Record<string, string | undefined>>): Agent;
  /** What must stand in a task so that the agent behaves like this. */
  taskFor(behaviour: Behaviour): Partial<AgentTask>;
}

/** The laws of `src/ports/agent.ts`, for any agent. */
export function agentContract({ name, runsProcesses, agent, taskFor }: AgentUnderTest): void {
  let parent: string;
  let directory: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "perdure-agent-"));
    directory = join(parent, "tree");
    mkdirSync(directory);
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  const host = (): Readonly<Record<string, string>> => ({
    PATH: process.env["PATH"] ?? "",
    HOME: join(parent, "home"),
  });
  interface Told {
    readonly result: AgentResult;
    readonly progress: readonly AgentProgress[];
  }
  async function run(
    behaviour: Behaviour,
    more: Partial<AgentTask> = {},
    signal = new AbortController().signal,
  ): Promise<Told> {
    const progress: AgentProgress[] = [];
    const task = aTask(directory, { ...taskFor(behaviour), ...more });
    const result = await agent({ ...host(), ...secrets }).run(task, signal, (one) => progress.push(one));
    return { result, progress };
  }
  const documentPath = (): string => join(directory, ".perdure/out/triage-plan.yaml");
  const pid = (): number => Number(readFileSync(join(directory, "pid"), "utf8"));
  async function started(): Promise<void> {
    for (const end = Date.now() + 10_000; Date.now() < end; await sleep(10)) {
      if (existsSync(join(directory, "pid")) && pid() > 0) return;
    }
    throw new Error("The agent did not start");
  }

  describe(`${name}: an agent`, () => {
    it("does its task and leaves the document in the output folder", async () => {
      const { result } = await run("document");
      expect(result).toMatchObject({ outcome: { kind: "done" }, warnings: [] });
      expect(existsSync(documentPath())).toBe(true);
    });

    it("A3 that fails gives its failure as a result", async () => {
      const { result } = await run("fails");
      expect(result.outcome).toMatchObject({ kind: "failed" });
    });

    it("A3 that runs out of time ends as a timeout", async () => {
      const began = performance.now();
      const { result } = await run("hang", { limits: { timeoutMs: 400 } });
      expect(endOf(result)).toBe("timeout");
      expect(performance.now() - began).toBeLessThan(5_000);
    });

    it("A4 is interrupted in time by the signal", async () => {
      const controller = new AbortController();
      const running = run("hang", {}, controller.signal);
      await (runsProcesses ? started() : sleep(50));
      const began = performance.now();
      controller.abort();
      expect(endOf((await running).result)).toBe("interrupted");
      expect(performance.now() - began).toBeLessThan(1_500);
    });

    it("A4 does not begin under an aborted signal", async () => {
      const { result } = await run("document", {}, AbortSignal.abort());
      expect(endOf(result)).toBe("interrupted");
      expect(existsSync(documentPath())).toBe(false);
    });

    it("A5 begins afresh with a session that it cannot use, and says so", async () => {
      const session = { id: "../../not-a-session", bytes: new TextEncoder().encode("?") };
      const { result } = await run("document", { session });
      expect(result.outcome.kind).toBe("done");
      expect(result.warnings).toEqual([expect.stringContaining("started afresh")]);
    });

    it("A5 that is told to go on after all memory is gone still does its task", async () => {
      const session = { id: "4c9e1a52-1111-4111-8111-111111111111", bytes: new Uint8Array() };
      const { result } = await run("document", { session });
      expect(result.outcome.kind).toBe("done");
      expect(result.warnings).toEqual([expect.stringContaining("started afresh")]);
      expect(existsSync(documentPath())).toBe(true);
    });

    it.runIf(runsProcesses)("does not read documents that lie outside its output folder", async () => {
      await run("outside");
      expect(existsSync(join(parent, "triage-plan.yaml"))).toBe(true);
      expect(existsSync(documentPath())).toBe(false);
    });
  });

  describe.runIf(runsProcesses)(`${name}: an agent that is a process`, () => {
    it("A1 takes its children with it", async () => {
      const { result } = await run("forks");
      expect(result.outcome.kind).toBe("done");
      expect(isAlive(pid())).toBe(false);
    });

    it.runIf(process.platform === "linux")("A1 takes the children with it that left its group", async () => {
      const { result } = await run("leaves");
      expect(result.outcome.kind).toBe("done");
      expect(isAlive(pid())).toBe(false);
    });

    it("A2 sees no token of ours, and what the task names", async () => {
      await run("environment", { environment: { PERDURE_RUN: "run-1", GIVEN: "yes" } });
      const seen = JSON.parse(readFileSync(documentPath(), "utf8")) as Readonly<Record<string, string>>;
      expect(JSON.stringify(seen)).not.toContain("secret-of-ours");
      expect(Object.keys(seen)).not.toEqual(expect.arrayContaining(["GITHUB_TOKEN"]));
      expect(seen).toMatchObject({ GIVEN: "yes", PERDURE_RUN: "run-1", PERDURE_IDEMPOTENCY_KEY: "run-1/triage/1" });
      expect(seen["PATH"]).toBe(process.env["PATH"]);
    });

    it("A3 that ends with a code other than 0 failed, with the end of what it complained", async () => {
      const { result } = await run("exit");
      expect(result.outcome).toMatchObject({ kind: "failed", class: "exit", message: expect.stringContaining("3") });
      expect(result.outcome).toHaveProperty("detail", "first line of the error\nlast line of the error");
    });

    it("A3 that is killed by somebody else failed by the infrastructure", async () => {
      expect(endOf((await run("killed")).result)).toBe("infrastructure");
    });

    it("A3 that prints garbage is not misled by it", async () => {
      const { result, progress } = await run("garbage");
      expect(result.outcome.kind).toBe("done");
      expect(progress.filter((one) => one.kind === "log").length).toBeGreaterThan(3);
      expect(progress.filter((one) => one.kind === "percent")).toEqual([]);
    });

    it("A3 that is not installed is a refusal that names the program", async () => {
      const { result } = await run("missing");
      expect(result.outcome).toEqual({
        kind: "failed",
        class: "refused",
        message: "`no-such-agent` is not installed, or not on the PATH.",
      });
    });

    it("A4 that ignores being asked is killed after the grace", async () => {
      const controller = new AbortController();
      const running = run("stubborn", { graceMs: 200 }, controller.signal);
      await started();
      controller.abort();
      expect(endOf((await running).result)).toBe("interrupted");
      expect(isAlive(pid())).toBe(false);
    });
  });
}

const secrets = Object.fromEntries(
  [
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "INPUT_TOKEN",
    "PERDURE_TOKEN",
    "NPM_TOKEN",
    "GIT_CONFIG_VALUE_0",
  ].map((name) => [name, `secret-of-ours-${name}`]),
);
