import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { statSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ended, NotStarted, Processes, ProcessLine, ProcessSpec } from "../../ports/processes.ts";
import { endFamily, type Family, livingOf, markName } from "./family.ts";
import { lineReader } from "./lines.ts";

const defaultKeep = 65_536;
const defaultLineLimit = 8_388_608;
/** The longest time that timers take; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1;
/** How long to wait for the pipes of a family that is gone; a process we cannot see may hold them open. */
const pipesMs = 500;

/**
 * Programs in process groups of their own. `outerMark` is the `PERDURE_ATTEMPT` that we were started with, if any: it is
 * handed on, so that whoever started us finds our programs too.
 *
 * It spawns by itself instead of through execa: execa signals the program alone, and what counts here is its group.
 */
export const processGroups = (outerMark = ""): Processes => ({
  run: (spec, signal, onLine) => runInGroup(spec, signal, onLine, outerMark),
  end: (slot, graceMs) => endSlot(markOf(slot), graceMs, outerMark),
});

const markOf = (slot: string): string => createHash("sha256").update(slot).digest("hex").slice(0, 32);

/** A program of the same slot that holds us in its own family is not a predecessor. */
async function endSlot(mark: string, graceMs: number, outerMark: string): Promise<number> {
  if (outerMark.includes(mark)) return 0;
  const alive = livingOf({ mark }).length;
  if (alive > 0) await endFamily({ mark }, graceMs);
  return alive;
}

async function runInGroup(
  spec: ProcessSpec,
  signal: AbortSignal,
  onLine: (line: ProcessLine) => void,
  outerMark: string,
): Promise<Ended> {
  if (signal.aborted) return nothingRan({ kind: "aborted" });
  const slot = spec.slot === undefined ? randomUUID() : markOf(spec.slot);
  if (spec.slot !== undefined) await endSlot(slot, spec.graceMs, outerMark);
  if (signal.aborted) return nothingRan({ kind: "aborted" });

  const mark = `${slot}.${randomUUID()}`;
  const environment = { ...spec.environment, [markName]: outerMark === "" ? mark : `${outerMark}/${mark}` };
  const started = await start(spec, environment);
  if ("reason" in started) return nothingRan({ kind: "not-started", reason: started.reason });
  return follow(started, { group: started.pid, mark }, spec, { signal, onLine });
}

interface Started {
  readonly pid: number;
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly exited: Promise<Ended["how"]>;
  readonly closed: Promise<unknown>;
}

/** The system says no in two ways: some errors are thrown, others arrive as an event. */
async function start(
  { command: [program, ...args], directory }: ProcessSpec,
  environment: ProcessSpec["environment"],
): Promise<Started | { readonly reason: NotStarted }> {
  try {
    const child = spawn(program, args, {
      cwd: directory,
      env: { ...environment },
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const exited = exitOf(child);
    const closed = once(child, "close").catch(() => undefined);
    await once(child, "spawn");
    if (child.pid === undefined) throw new Error("A started program has a process id");
    return { pid: child.pid, child, exited, closed };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return { reason: reasonOf(error.code, directory) };
  }
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "syscall" in error && "errno" in error;

interface Following {
  readonly signal: AbortSignal;
  readonly onLine: (line: ProcessLine) => void;
}

async function follow(
  started: Started,
  family: Family,
  spec: ProcessSpec,
  { signal, onLine }: Following,
): Promise<Ended> {
  const { child, exited, closed } = started;
  const stopping = stoppable(family, spec.graceMs);
  const output = reading(child, spec, (line) => {
    try {
      if (stopping.why()?.kind !== "fault") onLine(line);
    } catch (error) {
      // A bug in the listener; the program is stopped before it surfaces (P3).
      stopping.stop({ kind: "fault", error });
    }
  });
  // EPIPE: a program may end without reading what it was given.
  child.stdin.on("error", () => undefined).end(spec.input ?? "");

  const timer = setTimeout(() => stopping.stop({ kind: "timed-out" }), Math.min(spec.timeoutMs, longestTimer));
  const abort = (): void => stopping.stop({ kind: "aborted" });
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const exit = await Promise.race([exited, stopping.givenUp]);
  clearTimeout(timer);
  signal.removeEventListener("abort", abort);

  // Whoever outlives the program is ended with it, and only then can its pipes be at their end.
  const why = stopping.why();
  const survivors = await stopping.end();
  await Promise.race([closed, sleep(pipesMs, undefined, { ref: false })]);
  child.unref();
  const tails = output.close();
  const fault = stopping.why();
  if (fault?.kind === "fault") throw fault.error;
  return { how: why === undefined || why.kind === "fault" ? exit : why, ...tails, survivors };
}

type Why =
  | { readonly kind: "timed-out" }
  | { readonly kind: "aborted" }
  | { readonly kind: "fault"; readonly error: unknown };

/** Ends a family once, for the first reason that comes up; `givenUp` settles when some of it cannot be killed. */
function stoppable(family: Family, graceMs: number) {
  let why: Why | undefined;
  let ending: Promise<readonly number[]> | undefined;
  let giveUp: (how: Ended["how"]) => void = () => undefined;
  const givenUp = new Promise<Ended["how"]>((resolve) => {
    giveUp = resolve;
  });
  const end = (): Promise<readonly number[]> => {
    ending ??= endFamily(family, graceMs);
    return ending;
  };
  return {
    why: (): Why | undefined => why,
    end,
    givenUp,
    stop(reason: Why): void {
      if (why === undefined || reason.kind === "fault") why = reason;
      void end().then((survivors) => {
        if (survivors.length > 0) giveUp({ kind: "killed", signal: "SIGKILL" });
      });
    },
  };
}

/** Reads both streams as lines; `close` gives what is left of the last ones, and the tails. */
function reading(child: Started["child"], spec: ProcessSpec, give: (line: ProcessLine) => void) {
  const bounds = { lineLimit: spec.lineLimit ?? defaultLineLimit, keep: spec.keep ?? defaultKeep };
  const stdout = lineReader(bounds, (text) => give({ stream: "stdout", text }));
  const stderr = lineReader(bounds, (text) => give({ stream: "stderr", text }));
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => stdout.push(chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => stderr.push(chunk));
  return {
    close(): Pick<Ended, "stdout" | "stderr"> {
      child.stdout.destroy();
      child.stderr.destroy();
      stdout.end();
      stderr.end();
      return { stdout: stdout.tail(), stderr: stderr.tail() };
    },
  };
}

const exitOf = (child: ChildProcessByStdio<Writable, Readable, Readable>): Promise<Ended["how"]> =>
  new Promise((resolve) => {
    child.once("exit", (code, signal) =>
      resolve(code === null ? { kind: "killed", signal: signal ?? "SIGKILL" } : { kind: "exited", code }),
    );
  });

const nothingRan = (how: Ended["how"]): Ended => ({ how, stdout: "", stderr: "", survivors: [] });

function reasonOf(code: string | undefined, directory: string): NotStarted {
  if (code === "E2BIG") return "too-long";
  if (code === "EAGAIN" || code === "ENOMEM" || code === "EMFILE" || code === "ENFILE") return "no-resources";
  // The system gives the same code for a missing program and a missing directory.
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return "no-directory";
  return code === "ENOENT" ? "no-program" : "not-executable";
}
