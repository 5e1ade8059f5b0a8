import { nothingSpent, type Spending } from "../../core/spending.ts";
import type { AgentProgress, AgentResult, AgentTask } from "../../ports/agent.ts";
import { argumentsFor, promptOf, type Talk } from "./claude-arguments.ts";
import { hear, nothingHeard, spendingOf } from "./claude-stream.ts";
import { isSessionLost, verdictOf } from "./claude-verdict.ts";
import type { AgentDependencies } from "./dependencies.ts";
import { survivorsOf } from "./ending.ts";
import { withoutPath } from "./paths.ts";

/** What all conversations of one task have in common. */
export interface Setting {
  readonly dependencies: AgentDependencies;
  readonly task: AgentTask;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: AgentProgress) => void;
  /** Told the id of the conversation as soon as it is known. */
  readonly onSession: (id: string) => void;
  /** The program, with what the configuration puts before and after our arguments. */
  readonly command: readonly [program: string, ...before: readonly string[]];
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly conventions: readonly string[];
}

/** How one conversation went. */
export interface Conversation {
  readonly outcome: AgentResult["outcome"];
  readonly spending: Spending;
  readonly warnings: readonly string[];
  /** The id to resume it by. */
  readonly session: string;
  /** Whether there was nothing to resume. */
  readonly isSessionLost: boolean;
}

/** Runs the program once, and judges what it said and how it ended. */
export async function converse(setting: Setting, talk: Talk, timeoutMs: number): Promise<Conversation> {
  const { dependencies, task, command, args, environment, conventions, onProgress, onSession } = setting;
  const tidy = withoutPath(task.directory);
  let heard = nothingHeard;
  onSession(talk.session);
  const ended = await dependencies.processes.run(
    {
      command: [...command, ...argumentsFor(task, talk, conventions), ...args],
      directory: task.directory,
      environment,
      input: promptOf(task, talk),
      timeoutMs,
      graceMs: task.graceMs,
      slot: task.directory,
    },
    setting.signal,
    ({ stream, text }) => {
      const line = tidy(text);
      if (stream === "stderr") return onProgress({ kind: "log", stream, line });
      const hearing = hear(heard, line);
      heard = hearing.heard;
      if (heard.session !== undefined) onSession(heard.session);
      for (const progress of hearing.progress) onProgress(progress);
    },
  );
  const stderr = tidy(ended.stderr);
  return {
    outcome: verdictOf({ ...ended, stderr }, heard, { program: command[0], timeoutMs: task.limits.timeoutMs }),
    spending: ended.how.kind === "not-started" ? nothingSpent : spendingOf(heard),
    warnings: [...survivorsOf(ended), ...(heard.result?.denied ?? []).map(deniedWarning)],
    session: heard.session ?? talk.session,
    isSessionLost: isSessionLost(heard, stderr),
  };
}

const deniedWarning = (denied: string): string => `Not allowed, so not done: \`${denied}\`.`;
