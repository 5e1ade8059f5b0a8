import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { nothingSpent } from "../../core/spending.ts";
import type { Agent, AgentResult, AgentTask } from "../../ports/agent.ts";
import type { Ended } from "../../ports/processes.ts";
import { wordsOf } from "./agent-config.ts";
import { type Answer, answerIn, percentIn } from "./command-answer.ts";
import type { AgentDependencies } from "./dependencies.ts";
import { exitOf, failed, survivorsOf, systemFailure, tailOf } from "./ending.ts";
import { agentEnvironment, type NamePattern } from "./environment.ts";
import { inside, insideFolder } from "./inside.ts";
import { withoutPath } from "./paths.ts";

/** The keys of the models that such commands usually talk to; `environment` of the configuration names others. */
const modelKeys: readonly NamePattern[] = [
  ...["ANTHROPIC_*", "CLAUDE_*", "OPENAI_*", "CODEX_*", "GEMINI_*", "GOOGLE_API_KEY", "GOOGLE_GEMINI_*"],
  ...["MISTRAL_API_KEY", "OPENROUTER_API_KEY", "COPILOT_*", "OPENCODE_*", "OLLAMA_*"],
];
/** Characters of output that are searched for the answer: documents may be in it. */
const answerSpace = 8_388_608;
const orderFile = "task.json";

/**
 * Any executable as an agent. It gets the task as JSON on its standard input and in `task.json` beside the input
 * documents, and leaves documents in the output folder, or in a JSON object at the end of its output. A code other than 0
 * is a failure; everything else it prints is log. Configuration: `command` (words), `environment` (names of further
 * variables of ours that it may see).
 */
export const commandAgent = (dependencies: AgentDependencies): Agent => ({
  name: "command",
  label: "command",
  async run(task, signal, onProgress) {
    const [program, ...args] = wordsOf(task.config, "command", []) ?? [];
    const names = wordsOf(task.config, "environment", []);
    if (program === undefined || names === undefined) return refused(wrongConfig);
    const order = await lay(task).catch(systemFailure);
    if (order === undefined) return refused(strayFolder);
    if (typeof order !== "string") return { outcome: order, spending: nothingSpent, warnings: [] };

    const tidy = withoutPath(task.directory);
    const ended = await dependencies.processes.run(
      {
        command: [program, ...args],
        directory: task.directory,
        environment: {
          ...agentEnvironment(dependencies.host, [...modelKeys, ...names], task.environment),
          PERDURE_IDEMPOTENCY_KEY: task.key,
        },
        input: order,
        timeoutMs: task.limits.timeoutMs,
        graceMs: task.graceMs,
        slot: task.directory,
        keep: answerSpace,
      },
      signal,
      ({ stream, text }) => {
        const percent = stream === "stdout" ? percentIn(text) : undefined;
        onProgress(percent === undefined ? { kind: "log", stream, line: tidy(text) } : { kind: "percent", percent });
      },
    );
    return judged(task, program, { ...ended, stderr: tidy(ended.stderr) });
  },
});

async function judged(task: AgentTask, program: string, ended: Ended): Promise<AgentResult> {
  const answer = answerIn(ended.stdout);
  const afresh = task.session === undefined ? [] : ["A command keeps no session; the agent started afresh."];
  const common = { spending: answer?.spending ?? nothingSpent };
  const warnings = [...afresh, ...survivorsOf(ended)];
  const code = exitOf(ended, program, task.limits.timeoutMs);
  if (typeof code !== "number") return { outcome: code, ...common, warnings };
  if (code !== 0) {
    const message = `\`${program}\` ended with exit code ${code}.`;
    return { outcome: failed("exit", message, tailOf(ended.stderr)), ...common, warnings };
  }
  const text = answer?.text ?? tailOf(withoutPath(task.directory)(ended.stdout));
  return { outcome: { kind: "done", text }, ...common, warnings: [...warnings, ...(await keep(task, answer))] };
}

/** Writes the documents of an answer; the names that are no documents of this task are given back as warnings. */
async function keep(task: AgentTask, answer: Answer | undefined): Promise<readonly string[]> {
  const warnings: string[] = [];
  for (const [file, text] of Object.entries(answer?.documents ?? {})) {
    const isExpected = task.contracts.some(({ contract }) => contract.file === file);
    const path = isExpected ? await insideFolder(task.directory, task.outputs, file) : undefined;
    if (path === undefined) warnings.push(`\`${file}\` is no document of this task; it was left out.`);
    // The command may have done anything to the folder, and its document is then missing, which is found out later.
    else await writeFile(path, text).catch(() => warnings.push(`\`${file}\` could not be written.`));
  }
  return warnings;
}

/** Makes both folders and lays the task beside the inputs; undefined when one of them leads out of the work tree. */
async function lay(task: AgentTask): Promise<string | undefined> {
  const file = await inside(task.directory, join(task.inputs, orderFile));
  const outputs = await inside(task.directory, task.outputs);
  if (file === undefined || outputs === undefined) return undefined;
  await mkdir(dirname(file), { recursive: true });
  await mkdir(outputs, { recursive: true });
  const order = `${JSON.stringify(orderOf(task, await filesIn(dirname(file))), null, 2)}\n`;
  await writeFile(file, order);
  return order;
}

/** The task as a command sees it. Paths are relative to the work tree, which is its working directory. */
const orderOf = (task: AgentTask, inputs: readonly string[]): unknown => ({
  key: task.key,
  skill: task.skill ?? null,
  visit: task.visit,
  prompt: task.prompt,
  access: task.access,
  inputs: inputs.map((path) => join(task.inputs, path)),
  outputs: task.contracts.map(({ contract, required }) => ({
    name: contract.name,
    path: join(task.outputs, contract.file),
    required,
  })),
  model: task.model ?? null,
  tools: task.tools,
  limits: {
    timeout_ms: task.limits.timeoutMs,
    turns: task.limits.turns ?? null,
    usd: task.limits.usd ?? null,
  },
});

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files
    .map((path) => path.slice(folder.length + 1))
    .filter((path) => path !== orderFile)
    .sort();
}

const refused = (message: string): AgentResult => ({
  outcome: failed("refused", message),
  spending: nothingSpent,
  warnings: [],
});
const wrongConfig =
  "The agent `command` needs `command`: the program and its arguments, as words or as a list of words.";
const strayFolder = "The folders for documents lead out of the work tree; is `.perdure` a symbolic link?";
