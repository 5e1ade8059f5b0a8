/**
 * The right of one worker to advance one run. The epoch fences (law J6): every claim raises it, and a worker that sees
 * a higher one stops. Whether an owner is alive only drives progress; it never gives safety.
 */
export interface Lease {
  readonly epoch: number;
  readonly owner: Owner;
}

/** Who works: a process on a machine, or a job of a GitHub Actions run. */
export type Owner =
  | {
      readonly kind: "process";
      readonly host: string;
      readonly pid: number;
      /** When the process started, in the kernel's own count, so that a reused pid is not taken for the owner. */
      readonly started: string;
    }
  | { readonly kind: "job"; readonly runId: number; readonly runAttempt: number; readonly job: string };

export type Liveness = "alive" | "dead" | "unknown";

export const sameOwner = (a: Owner, b: Owner): boolean =>
  a.kind === "process" && b.kind === "process"
    ? a.host === b.host && a.pid === b.pid && a.started === b.started
    : a.kind === "job" && b.kind === "job" && a.runId === b.runId && a.runAttempt === b.runAttempt && a.job === b.job;

/** The owner as people read it. */
export const describeOwner = (owner: Owner): string =>
  owner.kind === "process"
    ? `process ${owner.pid} on ${owner.host}`
    : `job ${owner.job} of Actions run ${owner.runId}, attempt ${owner.runAttempt}`;
