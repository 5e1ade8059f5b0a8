import type { RunId } from "../../core/brand.ts";
import type { JournalEvent } from "../../core/event.ts";
import { spec } from "../../core/event.ts";
import { ProblemError, problem } from "../../core/problem.ts";
import { type JournalPosition, readJournal } from "../../formats/journal.ts";
import { JournalBroken } from "../../ports/store.ts";
import { sha256 } from "./compose.ts";

/** A run's branch as found: the text of every segment, and the fingerprint of every other file. */
export interface Found {
  readonly segments: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, string>;
}

export interface CheckedJournal {
  readonly events: readonly JournalEvent[];
  readonly position: JournalPosition;
}

/**
 * The journal, when everything on the branch is as Perdure wrote it: segments that chain, and exactly the files that
 * they seal. Anything else is refused, an added file too: steps and reports would believe it (law J2).
 */
export function checkedJournal(run: RunId, found: Found): CheckedJournal {
  const read = readJournal(found.segments, sha256);
  switch (read.status) {
    case "newer":
      throw new ProblemError(
        problem("newer-run", `Run ${run} was made by a later Perdure.`, {
          expected: `spec ${spec} or lower`,
          received: `spec ${read.spec}`,
          fix: "Update Perdure and try again. Nothing was changed.",
        }),
      );
    case "broken":
      throw new JournalBroken(
        run,
        read.seq,
        `The journal of run ${run} does not chain at event ${read.seq}: ${read.message} ${unchanged}`,
      );
    case "intact": {
      const [first] = read.events;
      if (first?.type === "run.created" && first.run !== run)
        throw new JournalBroken(
          run,
          1,
          `The journal on the branch of run ${run} is that of run ${first.run}. ${unchanged}`,
        );
      const differing = differingFile(read.files, found.files);
      if (differing) throw new JournalBroken(run, 0, `On the branch of run ${run}, ${differing} ${unchanged}`);
      return { events: read.events, position: read.position };
    }
  }
}

const unchanged = "Somebody edited the branch; nothing was touched.";

function differingFile(
  sealed: Readonly<Record<string, string>>,
  files: ReadonlyMap<string, string>,
): string | undefined {
  for (const [path, fingerprint] of Object.entries(sealed)) {
    const at = files.get(path);
    if (at === undefined) return `${path} is missing.`;
    if (at !== fingerprint) return `${path} is not as it was written.`;
  }
  const added = [...files.keys()].find((path) => !Object.hasOwn(sealed, path));
  return added === undefined ? undefined : `${added} was added by another hand.`;
}
