import { unreachable } from "../../core/brand.ts";
import type { RunState } from "../../core/state.ts";

/** What the process ends with (design: command line). */
export const exitCode = {
  completed: 0,
  failed: 1,
  usage: 2,
  waiting: 3,
  refused: 4,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** The exit code of a command that followed a run to where it is now. */
export function exitCodeOf({ status }: Pick<RunState, "status">): ExitCode {
  switch (status) {
    case "completed":
      return exitCode.completed;
    case "failed":
    case "cancelled":
      return exitCode.failed;
    case "waiting":
    case "paused":
    case "escalated":
      return exitCode.waiting;
    case "queued":
    case "running":
      return exitCode.interrupted;
    default:
      return unreachable(status);
  }
}
