import { ProblemError } from "../../core/problem.ts";
import { exitCode } from "./exit-codes.ts";
import { asProblems } from "./failures.ts";
import { output } from "./output.ts";
import { program } from "./program.ts";

/** Parses the arguments, runs the command, and turns whatever went wrong into problems and an exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const out = output(args.includes("--json"));
  // Whoever reads may stop reading (`perdure logs | head`); a run goes on all the same.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  try {
    return await program(args, out);
  } catch (error) {
    const problems = error instanceof ProblemError ? error.problems : asProblems(error);
    if (problems.length === 0) {
      process.stderr.write(
        `This is a fault in Perdure, not in what you typed. Nothing that was completed is lost.\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
      return exitCode.failed;
    }
    out.problems(problems);
    return error instanceof ProblemError ? exitCode.usage : exitCode.failed;
  }
}
