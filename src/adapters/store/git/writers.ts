import { mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type Oid, oidOf } from "../../../core/brand.ts";
import type { RefChange } from "../../../ports/store.ts";

/**
 * A git that is killed between locking the refs of a transaction and renaming the last of them leaves locks that nobody
 * ever removes, and perhaps a transaction that is half done. So each writer first notes what it is about to do, in a
 * file named after the process that will hold the locks. Whoever later finds a note of a process that is provably dead
 * (same machine, same process namespace, no such pid or another start time: no clock is asked) settles it: locks that
 * hold the noted value are removed, and when one of the refs had already moved, the others follow.
 */
export interface Writers {
  /** Notes what the process `pid` is about to change. */
  note(pid: number, changes: readonly RefChange[]): void;
  /** Forgets the note of a process that has ended in good order. */
  forget(pid: number): void;
  /** Ends the unfinished business of the dead. Gives whether somebody living is in the middle of changing `ref`. */
  settle(world: World, ref?: string): Promise<boolean>;
}

/** What settling needs of the repository. */
export interface World {
  resolve(ref: string): Promise<Oid | undefined>;
  /** Whether `head` came after `commit`. */
  includes(head: Oid, commit: Oid): Promise<boolean>;
  /** Moves the refs that a dead writer had still to move; those that somebody else has moved meanwhile stay. */
  finish(changes: readonly RefChange[]): Promise<void>;
}

interface Note {
  readonly host: string;
  readonly namespace: string;
  readonly changes: readonly RefChange[];
  /** Decided: these are to be moved, whether their locks are still there or not. */
  readonly decided?: boolean;
}

/** Notes that this process has taken over: each gets a name of its own. */
let taken = 0;

export function writersIn(common: string): Writers {
  const folder = join(common, "perdure", "writers");
  const here = { host: hostname(), namespace: namespaceOf() };
  const names = new Map<number, string>();

  const nameOf = (pid: number): string => {
    const name = names.get(pid) ?? `${pid}-${startOf(pid) ?? "0"}.json`;
    names.set(pid, name);
    return name;
  };

  /** Takes a dead writer's note over, under a name of our own: of any number of settlers one succeeds. */
  const take = (name: string): string | undefined => {
    taken += 1;
    const own = join(folder, nameOf(process.pid).replace(".json", `.${taken}.json`));
    try {
      renameSync(join(folder, name), own);
      return own;
    } catch {
      return undefined;
    }
  };

  /** The settler may be killed too: what it decided is written down before the evidence, the locks, is removed. */
  const settleNote = async (note: Note, own: string, world: World): Promise<void> => {
    const changes = note.decided ? note.changes : await unfinished(common, note.changes, world);
    writeFileSync(`${own}.part`, JSON.stringify({ ...here, changes, decided: true } satisfies Note));
    renameSync(`${own}.part`, own);
    for (const change of note.changes)
      if (holdsLock(common, change)) rmSync(lockOf(common, change.name), { force: true });
    if (changes.length > 0) await world.finish(changes);
    rmSync(own, { force: true });
  };

  return {
    note: (pid, changes) => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, nameOf(pid)), JSON.stringify({ ...here, changes } satisfies Note));
    },
    forget: (pid) => {
      rmSync(join(folder, nameOf(pid)), { force: true });
      names.delete(pid);
    },
    settle: async (world, ref) => {
      let busy = false;
      for (const name of namesIn(folder)) {
        const note = readNote(join(folder, name));
        if (note?.host !== here.host || note.namespace !== here.namespace) continue;
        const own = isDead(name) ? take(name) : undefined;
        if (own !== undefined) await settleNote(note, own, world);
        else busy ||= note.changes.some(({ name: changed }) => changed === ref) && isUnderWay(common, note);
      }
      return busy;
    },
  };
}

/**
 * What is left to be moved of a transaction whose writer died. Nothing, when nothing had moved: then it has not taken
 * place. A ref has moved when it is at its new commit or, somebody having gone on from there, beyond it.
 */
async function unfinished(common: string, changes: readonly RefChange[], world: World): Promise<readonly RefChange[]> {
  const looked = await Promise.all(
    changes.map(async (change) => {
      const at = (await world.resolve(change.name)) ?? null;
      const locked = holdsLock(common, change);
      const reached =
        at === change.after || (at !== null && at !== change.before && (await world.includes(at, change.after)));
      return { change, isLeft: locked && at === change.before, hasMoved: !locked && reached };
    }),
  );
  return looked.some(({ hasMoved }) => hasMoved)
    ? looked.filter(({ isLeft }) => isLeft).map(({ change }) => change)
    : [];
}

const isUnderWay = (common: string, note: Note): boolean =>
  note.decided === true || note.changes.some((change) => holdsLock(common, change));

const lockOf = (common: string, ref: string): string => join(common, `${ref}.lock`);

/** An empty lock is one that git had just made. */
function holdsLock(common: string, { name, after }: RefChange): boolean {
  try {
    const value = readFileSync(lockOf(common, name), "utf8").trim();
    return value === after || value === "";
  } catch {
    return false;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch {
    return [];
  }
}

/** A note that a crash left half-written says nothing; git then reports the lock, and a person removes it. */
function readNote(path: string): Note | undefined {
  try {
    const note = JSON.parse(readFileSync(path, "utf8")) as Partial<Note>;
    const { host, namespace, changes, decided = false } = note;
    const sound =
      Array.isArray(changes) &&
      changes.every((change) => /^refs\/[\w./@-]+$/.test(change.name) && oidOf(change.after) !== undefined);
    return typeof host === "string" && typeof namespace === "string" && sound
      ? { host, namespace, changes, decided }
      : undefined;
  } catch {
    return undefined;
  }
}

function isDead(name: string): boolean {
  const [pid = "", started] = name.replace(/(\.\d+)?\.json$/, "").split("-");
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
  const start = startOf(Number(pid));
  return start !== undefined && start !== started;
}

const zombie = "zombie";

/**
 * The kernel's start time of a process, so that a reused pid is not taken for its predecessor; only Linux shows it. A
 * zombie is dead, though it keeps its pid until its parent looks, which in a container may be never.
 */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? zombie : fields[18];
  } catch {
    return undefined;
  }
}

/** Two containers may share a folder and not see each other's processes. */
function namespaceOf(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
