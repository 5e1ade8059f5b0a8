import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { ProblemError, problem } from "../../../core/problem.ts";
import { type RefChange, StoreConflict, StoreUnavailable } from "../../../ports/store.ts";
import { syncFolder } from "./objects.ts";
import { fileFailure, gitFailure, startFailure, startGit } from "./process.ts";
import { setHold } from "./reader.ts";
import type { Repository } from "./repository.ts";
import { type World, writersIn } from "./writers.ts";

export interface Refs {
  /**
   * Compare-and-swap of all these refs, in one transaction. `StoreConflict` when one of them is elsewhere;
   * `StoreUnavailable` when git ended without a word, and the caller must look for itself.
   */
  update(changes: readonly RefChange[]): Promise<void>;
  /** Ends what writers that were killed have left half done, and waits while one is in the middle of changing `ref`. */
  recover(ref: string): Promise<void>;
  close(): Promise<void>;
}

/** Five milliseconds apart: a transaction takes one or two. */
const looks = 200;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Flight {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * One `git update-ref --stdin` for all transactions of this process: git's own locking, checks and ref storage, at the
 * price of a line on a pipe instead of a process each time. It ends itself at the first refusal and is started again.
 */
export function refsOf(repository: Repository): Refs {
  const writers = writersIn(repository.common);
  let child: ChildProcess | undefined;
  let flight: Flight | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  const start = (): ChildProcess => {
    // Without a reflog: the run's branch is one, and it would grow by a line for each commit.
    const started = startGit(repository.directory, ["-c", "core.logAllRefUpdates=false", "update-ref", "--stdin"]);
    let stderr = "";
    let stdout = "";
    started.stdout?.on("data", (chunk: Buffer) => {
      stdout += chunk.toString("latin1");
      if (!stdout.endsWith("commit: ok\n")) return;
      stdout = "";
      flight?.resolve();
    });
    started.stderr?.on("data", (chunk: Buffer) => {
      stderr += chunk.toString("utf8");
    });
    started.stdin?.on("error", () => undefined);
    const end = (error: Error): void => {
      if (child !== started) return;
      child = undefined;
      flight?.reject(error);
    };
    started.on("error", (error) => end(startFailure(error)));
    started.on("close", (code) => {
      // Killed by a signal it leaves its note: there may be locks to remove.
      if (started.pid !== undefined && code !== null) writers.forget(started.pid);
      end(refusal(stderr));
    });
    return started;
  };

  const transact = async (changes: readonly RefChange[]): Promise<void> => {
    child ??= start();
    const running = child;
    if (running.pid !== undefined) writers.note(running.pid, changes);
    setHold(running, true);
    try {
      await new Promise<void>((resolve, reject) => {
        flight = { resolve, reject };
        running.stdin?.write(["start", ...changes.map(instruction), "prepare", "commit", ""].join("\n"));
      });
      await syncFolders(foldersOf(repository.common, changes));
    } finally {
      flight = undefined;
      setHold(running, false);
    }
  };

  /** Asked of a git of its own for each ref: whether all of them are where they were expected. */
  const unmoved = async (changes: readonly RefChange[]): Promise<boolean> => {
    const asked = await Promise.all(
      changes.map(({ name }) => repository.git(["rev-parse", "--verify", "--quiet", name])),
    );
    return asked.every(({ code, stdout }, index) => {
      const at = code === 0 ? stdout.toString("utf8").trim() : null;
      return at === changes[index]?.before;
    });
  };

  const world: World = {
    resolve: repository.resolve,
    includes: async (head, commit) => (await repository.git(["merge-base", "--is-ancestor", commit, head])).code === 0,
    finish: async (changes) => {
      try {
        await transact(changes);
      } catch (error) {
        // Somebody else has moved them meanwhile, and knows better.
        if (!(error instanceof StoreConflict)) throw error;
      }
    },
  };

  /** One at a time: a transaction's answer is known by being the next one. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = queue.then(work);
    queue = result.catch(() => undefined);
    return result;
  };

  return {
    update: (changes) =>
      inTurn(async () => {
        try {
          await transact(changes);
        } catch (error) {
          // Git has waited for a second already: this lock is no race. Perhaps its owner is dead.
          if (error instanceof Locked) await writers.settle(world);
          // A git that lives on knows packed refs by the time and size of their file, and can miss that somebody packed
          // them within one tick. It has ended itself; a fresh one sees what is there.
          else if (!(error instanceof StoreConflict && (await unmoved(changes)))) throw error;
          await transact(changes);
        }
      }),
    recover: async (ref) => {
      // A writer that is being killed can take its time to die: whoever looks at its refs now would see half of it.
      for (let look = 1; (await inTurn(() => writers.settle(world, ref))) && look < looks; look += 1) await wait(5);
    },
    close: () =>
      inTurn(
        () =>
          new Promise<void>((resolve) => {
            if (!child) return resolve();
            setHold(child, true);
            child.on("close", () => resolve());
            child.stdin?.end();
          }),
      ),
  };
}

/**
 * Git syncs a ref's file and not the folder that it renames it in: after a power loss the old value could be back, and
 * the write-ahead file would be gone. Where refs have no files, there are no such folders.
 */
function foldersOf(common: string, changes: readonly RefChange[]): ReadonlySet<string> {
  const folders = changes.flatMap(({ name, before }) => {
    const parts = dirname(name).split("/");
    // A new ref may have new folders above it.
    return before === null ? parts.map((_, index) => parts.slice(0, index + 1).join("/")) : [parts.join("/")];
  });
  return new Set(folders.map((folder) => join(common, folder)).filter((folder) => existsSync(folder)));
}

async function syncFolders(folders: ReadonlySet<string>): Promise<void> {
  try {
    await Promise.all([...folders].map(syncFolder));
  } catch (error) {
    throw fileFailure("sync the branches", error);
  }
}

const instruction = ({ name, before, after }: RefChange): string =>
  before === null ? `create ${name} ${after}` : `update ${name} ${after} ${before}`;

/** Somebody holds the lock of a ref: a conflict when it lasts. */
class Locked extends StoreConflict {}

/** What git's refusal means. The messages are those of git 2.31 to today, untranslated. */
function refusal(stderr: string): Error {
  const [, ref = "a ref"] = /cannot lock ref '([^']*)'/.exec(stderr) ?? [];
  if (/Unable to create '[^']*\.lock': File exists/i.test(stderr))
    return new Locked(
      `${ref} is locked by another git process. If none is running, remove the file ${ref}.lock in the git directory.`,
    );
  const [, inTheWay] = /'([^']*)' exists; cannot create/.exec(stderr) ?? [];
  if (inTheWay !== undefined)
    return new ProblemError(
      problem("branch-in-the-way", `The branch ${inTheWay} keeps ${ref} from being made.`, {
        fix: `git branch -m ${inTheWay.replace("refs/heads/", "")} NEW-NAME`,
      }),
    );
  if (/but expected|reference already exists|unable to resolve reference|reference is missing/.test(stderr))
    return new StoreConflict(`${ref} has moved.`);
  return stderr === ""
    ? new StoreUnavailable("Git ended in the middle of a ref transaction.")
    : gitFailure("update the branches", stderr);
}
