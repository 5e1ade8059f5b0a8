import type { FailureClass } from "../../core/retry.ts";
import type { AgentResult } from "../../ports/agent.ts";
import type { Ended } from "../../ports/processes.ts";
import type { Heard, Result } from "./claude-stream.ts";
import { exitOf, failed, tailOf } from "./ending.ts";

type Outcome = AgentResult["outcome"];

/**
 * How a conversation ended. `is_error` and the exit code decide, never `subtype`: an answer of 401 ends with subtype
 * `success`. The subtype only tells which failure it was, once it is one. No result line means that the program was
 * killed, whoever did it.
 */
export function verdictOf(ended: Ended, heard: Heard, { program, timeoutMs }: Run): Outcome {
  const code = exitOf(ended, program, timeoutMs);
  if (typeof code !== "number") return code;
  const { result, error } = heard;
  const detail = tailOf(ended.stderr);
  if (result?.isError) return failed(classOf(result, error), messageOf(result, error), detail);
  if (result && code === 0) return { kind: "done", text: result.text };
  // 128 and a signal's number: the program caught the signal and left in good order (seen: SIGTERM gives 143).
  if (code >= 128) return failed("infrastructure", `\`${program}\` was killed (exit code ${code}).`, detail);
  if (code === 0) return failed("infrastructure", `\`${program}\` ended without a result.`, detail);
  return failed("exit", `\`${program}\` ended with exit code ${code}.`, detail);
}

interface Run {
  readonly program: string;
  readonly timeoutMs: number;
}

/** Whether a resumed session is of no use: unknown here, too long to be sent once more, or refused by the API as it is. */
export const isSessionLost = ({ result }: Heard, stderr: string): boolean =>
  (result?.isError === true && result.status === 400) ||
  `${result?.isError ? result.text : ""}\n${stderr}`.includes("No conversation found");

/** The errors of the API that a person has to do something about. */
const refusals: readonly string[] = ["authentication_failed", "model_not_found", "invalid_request"];

function classOf(result: Result, error: string | undefined): FailureClass {
  switch (result.subtype) {
    case "error_max_turns":
    case "error_max_budget_usd":
      return "budget";
    default:
  }
  // Too much for the model's window: tokens ran out, and the same prompt would be too long again.
  if (result.reason === "prompt_too_long" || error === "billing_error") return "budget";
  if (error !== undefined && refusals.includes(error)) return "refused";
  // 400 and its kin are about what we sent; 408, 409 and 429 pass, and so do 5xx and what has no status at all:
  // lost connections and a 529 that was repeated too often.
  const passing = result.status === undefined || result.status >= 500 || [408, 409, 429].includes(result.status);
  return passing ? "infrastructure" : "refused";
}

function messageOf(result: Result, error: string | undefined): string {
  const said = result.text.replaceAll(/\s+/g, " ").trim().slice(0, 500) || result.subtype;
  if (error === "authentication_failed") {
    return `Claude Code cannot sign in: ${said}. Check ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN.`;
  }
  return `Claude Code: ${said}`;
}
