import { unreachable } from "../../core/brand.ts";
import type { FailureClass } from "../../core/retry.ts";
import type { AgentResult } from "../../ports/agent.ts";
import type { Ended, NotStarted } from "../../ports/processes.ts";

/** An agent's task that did not end well. */
export type Failed = Extract<AgentResult["outcome"], { readonly kind: "failed" }>;

/** A failure; the detail is left out when there is nothing in it. */
export const failed = (cls: FailureClass, message: string, detail = ""): Failed => ({
  kind: "failed",
  class: cls,
  message,
  ...(detail.trim() !== "" && { detail: detail.trim() }),
});

/** Signals that a program earns by its own fault: it would do so again. */
const ownFault: readonly string[] = ["SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGTRAP", "SIGSYS"];

/** The code that a program ended with by itself, or the failure that any other end is, whatever it wrote. */
export function exitOf({ how, stderr }: Ended, program: string, timeoutMs: number): number | Failed {
  switch (how.kind) {
    case "exited":
      return how.code;
    case "killed":
      return failed(
        ownFault.includes(how.signal) ? "exit" : "infrastructure",
        `\`${program}\` was ended by ${how.signal}.`,
        tailOf(stderr),
      );
    case "timed-out":
      return failed("timeout", `\`${program}\` did not finish within ${duration(timeoutMs)}.`, tailOf(stderr));
    case "aborted":
      return failed("interrupted", `\`${program}\` was stopped.`);
    case "not-started":
      return notStarted(how.reason, program);
    default:
      return unreachable(how);
  }
}

function notStarted(reason: NotStarted, program: string): Failed {
  switch (reason) {
    case "no-program":
      return failed("refused", `\`${program}\` is not installed, or not on the PATH.`);
    case "not-executable":
      return failed("refused", `\`${program}\` is there but cannot be executed.`);
    case "too-long":
      return failed("refused", `The arguments of \`${program}\` are longer than the system takes.`);
    case "no-directory":
      return failed("infrastructure", `The work tree for \`${program}\` is missing.`);
    case "no-resources":
      return failed("infrastructure", `The machine has no resources left to start \`${program}\`.`);
    default:
      return unreachable(reason);
  }
}

/** A system error (disk full, folder gone) as a failure that may pass; anything else is a bug and is thrown again. */
export function systemFailure(error: unknown): Failed {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) throw error;
  return failed("infrastructure", `The machine refused \`${error.syscall}\`: ${error.code}.`);
}

/** Warnings about processes that outlived everything that can be done to them (law P2). */
export const survivorsOf = ({ survivors }: Ended): readonly string[] =>
  survivors.length === 0 ? [] : [`Processes of the agent could not be stopped: ${survivors.join(", ")}.`];

/** The end of a text: what a person needs of a long error output. */
export function tailOf(text: string, lines = 20, characters = 4_000): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n").slice(-characters);
}

function duration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  return ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}
