import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** The variable that a program's descendants inherit, and that is looked for in what the system shows of them. */
export const markName = "PERDURE_ATTEMPT";

/** A program with everything that came of it. */
export interface Family {
  /** Id of the process group and of the session: the program's own process id. Absent: only the mark counts. */
  readonly group?: number;
  /** A text that stands in the `PERDURE_ATTEMPT` of every descendant, as long as it keeps its environment. */
  readonly mark: string;
}

/** How long to wait for what was sent SIGKILL; what is there after that cannot be killed by us. */
const afterKillMs = 5_000;

/**
 * Ends a family: SIGTERM to all, SIGKILL after `graceMs` to whoever is left or was born since. Settles when nothing of
 * it is alive, with the ids of those that cannot be killed.
 */
export async function endFamily(family: Family, graceMs: number): Promise<readonly number[]> {
  if (livingOf(family).length === 0) return [];
  signalFamily(family, "SIGTERM");
  if (await goneWithin(family, graceMs, () => undefined)) return [];
  await goneWithin(family, afterKillMs, () => signalFamily(family, "SIGKILL"));
  return livingOf(family);
}

async function goneWithin(family: Family, ms: number, before: () => void): Promise<boolean> {
  const end = performance.now() + ms;
  for (let pause = 2; performance.now() < end; pause = Math.min(pause * 2, 100)) {
    before();
    await sleep(Math.min(pause, Math.max(0, end - performance.now())));
    if (livingOf(family).length === 0) return true;
  }
  return false;
}

function signalFamily(family: Family, signal: NodeJS.Signals): void {
  // The whole group in one call, so that no member can fork between two signals; then those that left it.
  if (family.group !== undefined) send(-family.group, signal);
  for (const pid of livingOf(family)) send(pid, signal);
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    // ESRCH: gone in the meantime, which is what was wanted. EPERM: another user's; the caller sees it survive.
    return false;
  }
}

/** The processes of a family that are alive, by their ids. */
export function livingOf(family: Family): readonly number[] {
  if (process.platform === "linux") return entriesOf("/proc").filter((pid) => belongs(pid, family));
  // Other systems show no environments without a process of their own: the group alone has to do.
  return family.group !== undefined && send(-family.group, 0) ? [family.group] : [];
}

const entriesOf = (folder: string): readonly number[] =>
  readdirSync(folder)
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid);

function belongs(pid: number, { group, mark }: Family): boolean {
  // `PID (NAME) STATE PARENT GROUP SESSION …`; the name may hold anything, so fields are counted from its last bracket.
  const stat = textOf(`/proc/${pid}/stat`);
  const [state, parent, ownGroup, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === undefined || state === "Z" || state === "X") return false;
  if (group !== undefined && (Number(ownGroup) === group || Number(session) === group)) return true;
  // Threads of the kernel have no environment.
  if (parent === "2") return false;
  return markOf(`\0${textOf(`/proc/${pid}/environ`)}`).includes(mark);
}

function markOf(environ: string): string {
  const start = environ.indexOf(`\0${markName}=`);
  return start < 0
    ? ""
    : environ
        .slice(start + markName.length + 2)
        .split("\0", 1)
        .join("");
}

/** One buffer for all: reading a few hundred of these small files the usual way takes four times as long. */
const buffer = Buffer.alloc(65_536);

function textOf(path: string): string {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    let text = "";
    for (let length = buffer.length; length > 0; ) {
      length = readSync(file, buffer);
      text += buffer.toString("latin1", 0, length);
    }
    return text;
  } catch {
    // Gone since the folder was read, or another user's.
    return "";
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
