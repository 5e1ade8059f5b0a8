import { type Problem, problem } from "../../core/problem.ts";
import { JournalBroken, StoreConflict, StoreFull, StoreUnavailable } from "../../ports/store.ts";

/** A port's failure as a problem that a person can act on; empty for a bug, which nobody should dress up. */
export function asProblems(error: unknown): readonly Problem[] {
  if (error instanceof JournalBroken) {
    return [
      problem("journal-broken", `The journal of run \`${error.run}\` does not chain: ${error.message}`, {
        where: { file: `perdure/runs/${error.run}`, path: error.seq > 0 ? `event ${error.seq}` : "files" },
        fix: `Somebody edited the branch. Look at \`git log perdure/runs/${error.run}\` and move it back to the last commit that Perdure made. Nothing was changed.`,
      }),
    ];
  }
  if (error instanceof StoreFull || isFull(error)) {
    return [
      problem("no-space", "There is no space left to write to.", {
        fix: "Make room, then `perdure resume`: everything up to the last completed step is kept.",
      }),
    ];
  }
  if (error instanceof StoreUnavailable) {
    return [
      problem("store-unavailable", error.message, {
        fix: "Try again when it can be reached: `perdure resume` goes on from the last completed step.",
      }),
    ];
  }
  if (error instanceof StoreConflict) {
    return [problem("busy", `Others keep changing the run: ${error.message}`, { fix: "Try again." })];
  }
  return [];
}

const isFull = (error: unknown): boolean =>
  ["ENOSPC", "EDQUOT", "EFBIG"].includes((error as NodeJS.ErrnoException | undefined)?.code ?? "");
