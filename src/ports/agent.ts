import type { Contract } from "../core/document.ts";
import type { FailureClass } from "../core/retry.ts";
import type { Spending } from "../core/spending.ts";

/**
 * An agent does one task in one directory and leaves documents behind.
 *
 * A1 It runs in its own process group; when `run` settles, nothing of that group is alive (its children included).
 * A2 Its environment holds what `task.environment` names and what the command line of the agent needs, never Perdure's
 *    own tokens (`GITHUB_TOKEN`, `ACTIONS_*`, `PERDURE_*` other than those the task gives).
 * A3 `run` never rejects for what the agent did: every end is an `AgentResult`. It rejects only for a bug.
 * A4 Aborting `signal` stops the group (SIGTERM, then SIGKILL after `graceMs`) and settles with class `interrupted`.
 * A5 Losing the session may cost context, never correctness: an agent that cannot resume starts afresh and says so.
 */
export interface Agent {
  /** The registry name: `claude-code`, `command`, `scripted`. */
  readonly name: string;
  /** Shown wherever a person sees this agent's work; a scripted one says so. */
  readonly label: string;
  run(task: AgentTask, signal: AbortSignal, onProgress: (progress: AgentProgress) => void): Promise<AgentResult>;
  /** The session of a task that is running here right now, for a checkpoint; absent where there are no sessions. */
  snapshot?(task: AgentTask): Promise<AgentSession | undefined>;
}

export interface AgentTask {
  /** `RUN/STEP/VISIT`, the same on every attempt: exported to the agent as `PERDURE_IDEMPOTENCY_KEY`. */
  readonly key: string;
  /** The skill this task carries out (`triage`, `execute` …), or undefined for a free prompt. */
  readonly skill?: string;
  /** Which visit of the skill in this run this is, from 1. */
  readonly visit: number;
  /** The rendered prompt. Untrusted text (issue, comments) stands in documents, quoted as data. */
  readonly prompt: string;
  /** The work tree, absolute. The agent may change files here and nowhere else. */
  readonly directory: string;
  /** Folder with the input documents, inside `directory` (relative, for example `.perdure/in`). */
  readonly inputs: string;
  /** Folder where the output documents are to be written, inside `directory` (relative). */
  readonly outputs: string;
  readonly contracts: readonly { readonly contract: Contract; readonly required: boolean }[];
  /** Whether the agent may edit files of the work tree, or only read them and write documents. */
  readonly access: "read" | "write";
  /** Commands that a `read` or `write` agent may run besides editing, as the agent's own permission patterns. */
  readonly tools: readonly string[];
  readonly model?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: { readonly timeoutMs: number; readonly turns?: number; readonly usd?: number };
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** The session to go on with, restored from a checkpoint; its bytes are what `AgentResult.session` once gave. */
  readonly session?: AgentSession;
  /** Extra configuration of the step, passed through (`command: [...]`, `args: [...]`, `script: …`). */
  readonly config: Readonly<Record<string, unknown>>;
}

/** The agent's own memory of a conversation, opaque to everyone else. Redacted and compressed by whoever stores it. */
export interface AgentSession {
  readonly id: string;
  readonly bytes: Uint8Array;
}

export type AgentProgress =
  | { readonly kind: "doing"; readonly text: string }
  | { readonly kind: "spent"; readonly spending: Spending }
  | { readonly kind: "percent"; readonly percent: number }
  | { readonly kind: "log"; readonly stream: "stdout" | "stderr"; readonly line: string };

export interface AgentResult {
  readonly outcome:
    | { readonly kind: "done"; readonly text: string }
    | { readonly kind: "failed"; readonly class: FailureClass; readonly message: string; readonly detail?: string };
  readonly spending: Spending;
  readonly session?: AgentSession;
  /** Things a person should know though the task ended: denied permissions, a session that could not be resumed. */
  readonly warnings: readonly string[];
}
