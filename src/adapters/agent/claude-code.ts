import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { addSpending, nothingSpent } from "../../core/spending.ts";
import type { Agent, AgentResult, AgentSession, AgentTask } from "../../ports/agent.ts";
import { wordsOf } from "./agent-config.ts";
import { conventionFiles, isGranted } from "./claude-arguments.ts";
import { type Conversation, converse, type Setting } from "./claude-conversation.ts";
import { claudeEnvironment } from "./claude-environment.ts";
import { exportSession, importSession, isSessionId } from "./claude-session.ts";
import type { AgentDependencies } from "./dependencies.ts";
import { failed } from "./ending.ts";

/** Claude Code, without anybody at the keyboard. Configuration: `command` (`claude`) and `args` (added at the end). */
export function claudeCodeAgent(dependencies: AgentDependencies): Agent {
  /** The conversations that are under way, by task. The folder that they lie in has those of earlier tasks as well. */
  const running = new Map<string, string>();
  return {
    name: "claude-code",
    label: "Claude Code",
    async run(task, signal, onProgress) {
      const words = commandOf(task.config);
      if (words === undefined) {
        return notRun(failed("refused", "`command` and `args` of `claude-code` must be words, or lists of words."));
      }
      // The program takes a limit of 0 for a mistake.
      if (isUsedUp(task.limits)) return notRun(failed("budget", "Nothing is left of the budget for this task."));
      const environment = claudeEnvironment(dependencies.host, task.environment, task.key);
      const conventions = await conventionsIn(task.directory);
      const onSession = (id: string): void => void running.set(taskId(task), id);
      const setting = { dependencies, task, signal, onProgress, onSession, ...words, environment, conventions };
      const warnings = task.tools.filter((pattern) => !isGranted(pattern, task.access)).map(leftOut);
      return resumeOrBegin(setting, warnings).finally(() => running.delete(taskId(task)));
    },
    async snapshot(task) {
      const id = running.get(taskId(task));
      if (id === undefined) return task.session;
      return exportSession(claudeEnvironment(dependencies.host, task.environment, task.key), task.directory, id);
    },
  };
}

const taskId = ({ directory, key }: AgentTask): string => `${directory} ${key}`;
const notRun = (outcome: AgentResult["outcome"]): AgentResult => ({ outcome, spending: nothingSpent, warnings: [] });
const isUsedUp = ({ usd, turns }: AgentTask["limits"]): boolean =>
  (usd !== undefined && usd <= 0) || (turns !== undefined && turns < 1);

/** Goes on with the task's session; when that turns out to be of no use, begins a new one and says so (A5). */
async function resumeOrBegin(setting: Setting, warnings: readonly string[]): Promise<AgentResult> {
  const { session, limits } = setting.task;
  if (session === undefined) return begin(setting, limits.timeoutMs, warnings);
  const problem = await laid(setting, session);
  if (problem !== undefined) return begin(setting, limits.timeoutMs, [...warnings, problem]);

  const since = performance.now();
  const resumed = await converse(setting, { kind: "resume", session: session.id }, limits.timeoutMs);
  const { outcome } = resumed;
  if (outcome.kind === "done" || !resumed.isSessionLost || setting.signal.aborted) {
    return resultOf(setting, resumed, warnings);
  }
  const left = Math.max(1, limits.timeoutMs - (performance.now() - since));
  const afresh = await begin(setting, left, [...warnings, startedAfresh(`could not be resumed: ${outcome.message}`)]);
  return { ...afresh, spending: addSpending(resumed.spending, afresh.spending) };
}

async function begin(setting: Setting, timeoutMs: number, warnings: readonly string[]): Promise<AgentResult> {
  // A new id every time: one that was used before is refused.
  const session = setting.dependencies.newId();
  return resultOf(setting, await converse(setting, { kind: "begin", session }, timeoutMs), warnings);
}

/** Lays the session where Claude Code looks for it; a sentence when that cannot be done. */
async function laid({ environment, task }: Setting, session: AgentSession): Promise<string | undefined> {
  if (!isSessionId(session.id)) return startedAfresh("has no valid id");
  try {
    await importSession(environment, task.directory, session);
    return undefined;
  } catch {
    return startedAfresh("could not be restored on this machine");
  }
}

async function resultOf(
  { environment, task }: Setting,
  { outcome, spending, warnings, session: id }: Conversation,
  before: readonly string[],
): Promise<AgentResult> {
  const session = await exportSession(environment, task.directory, id);
  return { outcome, spending, ...(session && { session }), warnings: [...new Set([...before, ...warnings])] };
}

function commandOf(config: AgentTask["config"]): Pick<Setting, "command" | "args"> | undefined {
  const [program, ...before] = wordsOf(config, "command", ["claude"]) ?? [];
  const args = wordsOf(config, "args", []);
  return program === undefined || args === undefined ? undefined : { command: [program, ...before], args };
}

async function conventionsIn(directory: string): Promise<readonly string[]> {
  const isFile = async (name: string): Promise<boolean> =>
    (await lstat(join(directory, name)).catch(() => undefined))?.isFile() ?? false;
  const found = await Promise.all(conventionFiles.map(isFile));
  return conventionFiles.filter((_, index) => found[index]);
}

const startedAfresh = (why: string): string => `The earlier session ${why}; the agent started afresh.`;
const leftOut = (pattern: string): string =>
  `\`${pattern}\` is no permission that Claude Code can be given for this task; it was left out.`;
