/**
 * Runs programs so that nothing of them stays behind. Agents and shell steps both stand on it.
 *
 * P1 A program starts without a shell, in its own process group, and sees `environment` and nothing else of ours
 *    (one more variable, `PERDURE_ATTEMPT`, marks its descendants).
 * P2 When `run` settles, nothing of the group is alive, nor (where the system shows environments: Linux) any descendant
 *    that left the group but still carries the mark. What could not be killed is named in `survivors`.
 * P3 Every end is an `Ended`, a program that cannot be started included. `run` rejects only for a bug, and then too
 *    nothing stays behind.
 * P4 An aborted signal and an elapsed `timeoutMs` stop the program: SIGTERM to all of it, SIGKILL after `graceMs`.
 * P5 Lines arrive in order, without their ends, before `run` settles; a line without an end at the end counts too.
 *    However much a program writes, memory stays bounded: lines are cut at `lineLimit`, and `stdout` and `stderr`
 *    hold the last `keep` characters only.
 * P6 Before it starts, a run stops whatever an earlier run of the same `slot` left alive on this machine: whoever
 *    started that one may have been killed and could not (Linux, as in P2).
 */
export interface Processes {
  run(spec: ProcessSpec, signal: AbortSignal, onLine: (line: ProcessLine) => void): Promise<Ended>;
  /** Stops what an earlier run of the slot left alive (P6), without running anything; gives how many that were. */
  end(slot: string, graceMs: number): Promise<number>;
}

export interface ProcessSpec {
  /** The program and its arguments; the program is looked up in the `PATH` of `environment`. */
  readonly command: readonly [program: string, ...args: readonly string[]];
  /** The working directory, absolute. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Written to its standard input, which is then closed. */
  readonly input?: string;
  readonly timeoutMs: number;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Names what may run only once at a time: the work tree, absolute; see P6. */
  readonly slot?: string;
  /** Characters of each stream that `Ended` holds; 65,536 when absent. */
  readonly keep?: number;
  /** Characters of one line that are given on; 8,388,608 when absent. */
  readonly lineLimit?: number;
}

export interface ProcessLine {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** How a program ended, with the tail of what it wrote. */
export interface Ended {
  readonly how:
    | { readonly kind: "exited"; readonly code: number }
    /** A signal that was not ours: the out-of-memory killer, a person, its own fault. */
    | { readonly kind: "killed"; readonly signal: string }
    | { readonly kind: "timed-out" }
    | { readonly kind: "aborted" }
    /** It never ran. */
    | { readonly kind: "not-started"; readonly reason: NotStarted };
  readonly stdout: string;
  readonly stderr: string;
  /** Process ids that outlived SIGKILL (another user's, or stuck in the kernel); empty but for the strangest days. */
  readonly survivors: readonly number[];
}

/** `no-resources`: the machine is out of processes, memory or files; the others stay as they are until a person acts. */
export type NotStarted = "no-program" | "not-executable" | "no-directory" | "too-long" | "no-resources";
