import { problemLines } from "../../formats/problem-text.ts";
import { exitCode } from "./exit-codes.ts";
import { asProblems } from "./failures.ts";
import type { Output } from "./output.ts";

/**
 * SIGINT and SIGTERM as one abort: the first lets the worker stop its step, checkpoint and release the run; a second
 * ends the process at once, which costs what was done since the last checkpoint and nothing else.
 */
export function stopSignal(out: Output): { readonly signal: AbortSignal; readonly broke: (error: unknown) => void } {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(exitCode.interrupted);
    out.note(`${name}: stopping the step and keeping its work; once more to stop at once.`);
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    /** What was done cannot be committed: stop as for a signal, and say why. */
    broke(error) {
      for (const problem of controller.signal.aborted ? [] : asProblems(error))
        out.note(problemLines(problem).join("\n"));
      controller.abort();
    },
  };
}
