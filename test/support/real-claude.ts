import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach } from "vitest";
import { claudeCodeAgent } from "../../src/adapters/agent/claude-code.ts";
import { processGroups } from "../../src/adapters/process/group.ts";
import type { AgentProgress, AgentResult, AgentTask } from "../../src/ports/agent.ts";
import { aTask } from "./agent-task.ts";
import { type ModelServer, type Script, startModelServer, type Turn } from "./model-server.ts";

/** What a run of the real program differs in from the usual one. */
export interface RealRun {
  readonly task?: Partial<AgentTask>;
  readonly directory?: string;
  /** Name of the home folder; another one stands for another machine. */
  readonly home?: string;
  readonly signal?: AbortSignal;
}

export interface Told {
  readonly result: AgentResult;
  readonly progress: readonly AgentProgress[];
}

export interface RealClaude {
  /** The folder around everything of one test. */
  readonly parent: () => string;
  /** The work tree, with one source file. */
  readonly tree: () => string;
  newTree(name: string): string;
  model(script: Script): Promise<ModelServer>;
  run(server: ModelServer, run?: RealRun): Promise<Told>;
}

/** Key that the scripted model takes; long, because programs like to redact short ones wherever they occur. */
export const modelKey = "sk-ant-no-key-at-all-0123456789";

/** The real program against scripted models, in a folder of its own for every test. */
export function realClaude(binary: string | undefined): RealClaude {
  let parent = "";
  const servers: ModelServer[] = [];
  const newTree = (name: string): string => {
    const path = join(parent, name);
    mkdirSync(join(path, "src"), { recursive: true });
    writeFileSync(join(path, "src/a.ts"), "export const one = 1;\n");
    return path;
  };
  beforeEach(() => {
    parent = realpathSync(mkdtempSync(join(tmpdir(), "perdure-real-claude-")));
    newTree("tree");
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    rmSync(parent, { recursive: true, force: true });
  });
  const tree = (): string => join(parent, "tree");
  return {
    parent: () => parent,
    tree,
    newTree,
    async model(script) {
      const server = await startModelServer(script);
      servers.push(server);
      return server;
    },
    async run(server, { task, directory = tree(), home = "home", signal } = {}) {
      const host = {
        PATH: process.env["PATH"],
        HOME: join(parent, home),
        ANTHROPIC_BASE_URL: server.url,
        ANTHROPIC_API_KEY: modelKey,
        CLAUDE_CODE_MAX_RETRIES: "1",
        GITHUB_TOKEN: "secret-of-ours",
      };
      const agent = claudeCodeAgent({ processes: processGroups(), newId: randomUUID, host });
      const progress: AgentProgress[] = [];
      const whole = aTask(directory, { config: { command: [binary] }, ...task });
      const result = await agent.run(whole, signal ?? new AbortController().signal, (one) => progress.push(one));
      return { result, progress };
    },
  };
}

export const write = (path: string, content: string): Turn => ({ tool: "Write", input: { file_path: path, content } });
export const bash = (command: string): Turn => ({ tool: "Bash", input: { command, description: "Run it" } });
export const read = (path: string): Turn => ({ tool: "Read", input: { file_path: path } });
export const edit = (path: string, from: string, to: string): Turn => ({
  tool: "Edit",
  input: { file_path: path, old_string: from, new_string: to },
});

/** Waits for something that another process brings about. */
export async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !holds(); await sleep(10)) {
    if (Date.now() > end) throw new Error("It did not happen");
  }
}
