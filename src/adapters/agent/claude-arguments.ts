import type { AgentTask } from "../../ports/agent.ts";

/** A conversation with Claude Code: a new one, or one that goes on. */
export interface Talk {
  readonly kind: "begin" | "resume";
  readonly session: string;
}

/** Built-in tools that every task is offered; the smaller the list, the smaller every request to the model. */
const builtIn: readonly string[] = ["Bash", "Edit", "Glob", "Grep", "Read", "Task", "Write"];

/** A permission pattern: a tool's name, perhaps with what it applies to: `Bash(npm test:*)`, `WebFetch(domain:a.b)`. */
const permission = /^([A-Za-z]\w*)(?:\(.*\))?$/s;

const editors: readonly string[] = ["Edit", "MultiEdit", "NotebookEdit", "Write"];

/** Whether a task gets the permission: Claude Code can read it (or takes it for an option), and it goes with the access. */
export function isGranted(pattern: string, access: AgentTask["access"]): boolean {
  const tool = toolOf(pattern);
  return tool !== undefined && (access === "write" || !editors.includes(tool));
}

const toolOf = (pattern: string): string | undefined => permission.exec(pattern)?.[1];

/**
 * The arguments of one conversation. The prompt goes in on standard input: it may be longer than an argument may be.
 *
 * - `--setting-sources user`: nothing of the repository's own `.claude` or `.mcp.json` is loaded. Its hooks, key helper
 *   and servers are programs, and the repository may be hostile. (`--safe-mode` still runs the key helper; `--add-dir`
 *   may load plugins.) `CLAUDE.md` falls under it too, so the model is told to read it.
 * - `acceptEdits` lets a task edit below its directory, except in `.git` and `.claude`, and works for root, where
 *   bypassing all permissions is refused. `default` denies every edit, because nobody is there to be asked; the documents
 *   are allowed by rule. Only an `Edit(…)` rule does that, for the Write tool and for redirections in Bash as well; a
 *   `Write(…)` rule has no effect.
 */
export function argumentsFor(task: AgentTask, talk: Talk, conventions: readonly string[]): readonly string[] {
  const patterns = task.tools.filter((pattern) => isGranted(pattern, task.access));
  const named = patterns.map((pattern) => toolOf(pattern) ?? "");
  const tools = [...new Set([...builtIn, ...named.filter((name) => !name.startsWith("mcp__"))])];
  const { turns, usd } = task.limits;
  return [
    ...["-p", "--output-format", "stream-json", "--verbose"],
    ...["--setting-sources", "user", "--strict-mcp-config"],
    ...["--permission-mode", task.access === "write" ? "acceptEdits" : "default"],
    ...["--tools", tools.join(",")],
    ...["--allowedTools", `Edit(${task.outputs}/**)`, ...patterns],
    ...[talk.kind === "begin" ? "--session-id" : "--resume", talk.session],
    ...(task.model === undefined ? [] : ["--model", task.model]),
    ...(turns === undefined ? [] : ["--max-turns", String(turns)]),
    ...(usd === undefined ? [] : ["--max-budget-usd", String(usd)]),
    ...(conventions.length === 0 ? [] : ["--append-system-prompt", conventionsNote(conventions)]),
  ];
}

/** Where repositories keep their conventions for agents, at their root. */
export const conventionFiles: readonly string[] = ["CLAUDE.md", "AGENTS.md"];

const conventionsNote = (files: readonly string[]): string =>
  `The conventions of this repository stand in ${files.join(" and ")}; read them before you change anything.`;

/**
 * What is said to the model. A prompt that begins with a slash would be taken for a command and never reach it. What the
 * model remembers having done may be older or newer than what a checkpoint kept of it, and documents are in none.
 */
export function promptOf({ prompt, outputs }: AgentTask, { kind }: Talk): string {
  if (kind === "begin") return prompt.startsWith("/") ? `\n${prompt}` : prompt;
  const found = `Your edits are in the work tree: look before you repeat one. Write again what is missing in ${outputs}.`;
  return `This conversation goes on now, perhaps after an interruption. ${found} The task, once more:\n\n${prompt}`;
}
