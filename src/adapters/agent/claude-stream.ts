import { nothingSpent, type Spending } from "../../core/spending.ts";
import type { AgentProgress } from "../../ports/agent.ts";

/** What has been heard of a conversation so far, from the lines of `--output-format stream-json`. */
export interface Heard {
  /** The session as the program names it; only after it has begun. */
  readonly session?: string;
  /** Tokens by message: the lines of one message repeat its usage. */
  readonly messages: Readonly<Record<string, Pick<Spending, "inputTokens" | "outputTokens">>>;
  /** The kind of the last error of the model's API: `authentication_failed`, `rate_limit` … */
  readonly error?: string;
  readonly result?: Result;
}

/** The last line of a conversation that was not killed. */
export interface Result {
  /** `success` also when the API failed: look at `isError` (seen in 2.1.197 and 2.1.329). */
  readonly subtype: string;
  readonly isError: boolean;
  /** The answer, or what went wrong in the program's own words. */
  readonly text: string;
  /** HTTP status of the last error of the API; undefined also after repeated 529 and lost connections. */
  readonly status?: number;
  /** `prompt_too_long`, `max_turns`, `completed` … */
  readonly reason?: string;
  readonly spending: Spending;
  /** What the agent asked for and was not allowed to do: `Bash npm test`. */
  readonly denied: readonly string[];
}

export const nothingHeard: Heard = { messages: {} };

export interface Hearing {
  readonly heard: Heard;
  readonly progress: readonly AgentProgress[];
}

type Json = Readonly<Record<string, unknown>>;

/** Takes in one line of standard output. Whatever is not understood is only log: formats grow, and plugins print. */
export function hear(heard: Heard, line: string): Hearing {
  const event = objectIn(line);
  switch (event?.["type"]) {
    case "system":
      return system(heard, event);
    case "assistant":
      return assistant(heard, event);
    case "result":
      return { heard: { ...heard, result: resultOf(event) }, progress: [] };
    case "user":
      return { heard, progress: [] };
    default:
      return { heard, progress: line.trim() === "" ? [] : [{ kind: "log", stream: "stdout", line }] };
  }
}

/** What the conversation has cost as far as it was heard; dollars are known at its end only. */
export function spendingOf(heard: Heard): Spending {
  if (heard.result) return heard.result.spending;
  const messages = Object.values(heard.messages);
  return {
    usd: 0,
    inputTokens: messages.reduce((sum, message) => sum + message.inputTokens, 0),
    outputTokens: messages.reduce((sum, message) => sum + message.outputTokens, 0),
    turns: messages.length,
  };
}

function system(heard: Heard, event: Json): Hearing {
  if (event["subtype"] === "init") {
    const session = event["session_id"];
    return { heard: typeof session === "string" ? { ...heard, session } : heard, progress: [] };
  }
  if (event["subtype"] === "api_retry") {
    const cause = event["error_status"] ?? event["error"] ?? "no answer";
    const text = `waiting for the model (${cause}, retry ${event["attempt"]} of ${event["max_retries"]})`;
    return { heard, progress: [{ kind: "doing", text }] };
  }
  return { heard, progress: [] };
}

function assistant(heard: Heard, event: Json): Hearing {
  const message = asObject(event["message"]);
  const error = event["error"];
  if (typeof error === "string") return { heard: { ...heard, error }, progress: [] };
  const said = asList(message["content"]).map(asObject).flatMap(progressOf);
  const id = message["id"];
  if (typeof id !== "string") return { heard, progress: said };
  // An answer after all: an error before it was overcome.
  const next: Heard = {
    ...(heard.session !== undefined && { session: heard.session }),
    messages: { ...heard.messages, [id]: tokensOf(asObject(message["usage"])) },
  };
  return { heard: next, progress: [...said, { kind: "spent", spending: spendingOf(next) }] };
}

function progressOf(block: Json): readonly AgentProgress[] {
  if (block["type"] === "tool_use") return [{ kind: "doing", text: doingOf(block["name"], block["input"]) }];
  if (block["type"] !== "text" || typeof block["text"] !== "string") return [];
  return block["text"]
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => ({ kind: "log", stream: "stdout", line }));
}

/** The argument of each tool that tells people most. */
const telling: Readonly<Record<string, string>> = {
  Agent: "description",
  Bash: "command",
  Edit: "file_path",
  Glob: "pattern",
  Grep: "pattern",
  NotebookEdit: "notebook_path",
  Read: "file_path",
  Task: "description",
  WebFetch: "url",
  WebSearch: "query",
  Write: "file_path",
};

/** A tool call in one short line: `Edit src/a.ts`, `Bash npm test`. */
function doingOf(name: unknown, input: unknown): string {
  const argument = asObject(input)[telling[String(name)] ?? ""];
  const text = `${name} ${typeof argument === "string" ? argument : ""}`.replaceAll(/\s+/g, " ").trim();
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

function resultOf(event: Json): Result {
  const errors = asList(event["errors"]).filter((error) => typeof error === "string");
  const text = typeof event["result"] === "string" ? event["result"] : errors.join(" ");
  const status = event["api_error_status"];
  const reason = event["terminal_reason"];
  return {
    subtype: String(event["subtype"]),
    isError: event["is_error"] === true,
    text,
    ...(typeof status === "number" && { status }),
    ...(typeof reason === "string" && { reason }),
    spending: totalOf(event),
    denied: asList(event["permission_denials"])
      .map(asObject)
      .map((denial) => doingOf(denial["tool_name"], denial["tool_input"])),
  };
}

/** All models together, those of sub-agents included; versions without `modelUsage` give the main model's alone. */
function totalOf(event: Json): Spending {
  const models = Object.values(asObject(event["modelUsage"])).map(asObject);
  const tokens = (from: Json, ...keys: readonly string[]): number =>
    keys.reduce((sum, key) => sum + numberOf(from[key]), 0);
  const input = models.map((model) => tokens(model, "inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens"));
  const output = models.map((model) => tokens(model, "outputTokens"));
  const used = tokensOf(asObject(event["usage"]));
  return {
    ...nothingSpent,
    usd: numberOf(event["total_cost_usd"]),
    inputTokens: models.length > 0 ? sumOf(input) : used.inputTokens,
    outputTokens: models.length > 0 ? sumOf(output) : used.outputTokens,
    turns: numberOf(event["num_turns"]),
  };
}

/** Cached input counts as input: it was sent, and paid for. */
const tokensOf = (usage: Json): Pick<Spending, "inputTokens" | "outputTokens"> => ({
  inputTokens:
    numberOf(usage["input_tokens"]) +
    numberOf(usage["cache_read_input_tokens"]) +
    numberOf(usage["cache_creation_input_tokens"]),
  outputTokens: numberOf(usage["output_tokens"]),
});

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);
const numberOf = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const asObject = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {});

function objectIn(line: string): Json | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return asObject(JSON.parse(line));
  } catch {
    return undefined;
  }
}
