import type { Instant, Oid, RunId, StepId, StepKey, ValueMap } from "./brand.ts";
import type { DocumentName } from "./document.ts";
import type { Failure, KeptDocument, PauseReason, PinnedDefinition, SkipReason, Trigger } from "./event.ts";
import type { Lease } from "./lease.ts";
import type { AskedQuestion } from "./question.ts";
import type { Spending } from "./spending.ts";
import type { Task } from "./task.ts";

/** Run statuses, closed (requirements C5). The last four are where a run can rest; `cancelled` too can be resumed. */
export const runStatuses = [
  "queued",
  "running",
  "waiting",
  "paused",
  "completed",
  "failed",
  "escalated",
  "cancelled",
] as const;
export type RunStatus = (typeof runStatuses)[number];

export const stepStatuses = [
  "pending",
  "running",
  "waiting",
  "completed",
  "failed",
  "skipped",
  "cached",
  "cancelled",
  "rolled_back",
] as const;
export type StepStatus = (typeof stepStatuses)[number];

/** Everything a journal says, folded. Plain data: equal journals give equal states, on any machine, for ever. */
export interface RunState {
  readonly run: RunId;
  readonly spec: number;
  readonly status: RunStatus;
  /** Why it rests, when it rests. */
  readonly reason?: {
    readonly kind: PauseReason | "failed" | "escalated";
    readonly detail: string;
    readonly step?: StepKey;
  };
  readonly definition: PinnedDefinition;
  readonly task: Task;
  readonly inputs: ValueMap;
  readonly trigger: Trigger;
  readonly agent: string;
  readonly agentConfig: ValueMap;
  readonly base: Oid;
  /** Head of the work branch. */
  readonly head: Oid;
  /** Head of the checkpoint branch, once there is one. */
  readonly checkpointHead?: Oid;
  readonly epoch: number;
  readonly lease?: Lease;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly endedAt?: Instant;
  readonly totalSteps: number;
  readonly steps: Readonly<Record<StepKey, StepState>>;
  /** Visits of each repeat that has begun. */
  readonly repeats: Readonly<Record<StepId, RepeatState>>;
  readonly questions: readonly AskedQuestion[];
  readonly notes: ReadonlyArray<{ readonly text: string; readonly by: string; readonly at: Instant }>;
  readonly documents: Readonly<Partial<Record<DocumentName, KeptDocument>>>;
  readonly checkpoints: readonly Checkpoint[];
  readonly effects: Readonly<Record<string, EffectState>>;
  readonly errors: readonly RecordedError[];
  readonly spending: Spending;
  /** The budget that a person or the configuration gave, US dollars. */
  readonly usd?: number;
  readonly autoResume?: number;
  /** Asked for by a person and not yet carried out. */
  readonly requested?: { readonly what: "pause" | "cancel"; readonly by: string; readonly now: boolean };
  readonly outputs: ValueMap;
}

export interface StepState {
  readonly status: StepStatus;
  /** The latest try, from 1. */
  readonly attempt: number;
  /** Tries that failed since a person last asked for more. */
  readonly failed: number;
  /** Times a worker was lost or stopped in this step. */
  readonly interruptions: number;
  /** Its last try was stopped on the way, and nobody knows how far it had come. */
  readonly interrupted?: true;
  /** The epoch that is working at it, while running. */
  readonly epoch: number;
  readonly startedAt?: Instant;
  readonly endedAt?: Instant;
  readonly retryAt?: Instant;
  readonly outputs: ValueMap;
  readonly summary: string;
  readonly failure?: Failure;
  readonly skipped?: { readonly reason: SkipReason; readonly detail: string };
  readonly spending: Spending;
  readonly work?: { readonly before: Oid; readonly after: Oid; readonly files: number };
  /** Uncommitted work and session of the attempt that was last interrupted. */
  readonly resume?: { readonly commit?: Oid; readonly session?: { readonly id: string; readonly path: string } };
  readonly warnings: readonly string[];
}

export interface RepeatState {
  readonly visit: number;
  readonly escalated: boolean;
  /** Times a person granted it as many visits again after it had run out. */
  readonly grants: number;
}

export interface Checkpoint {
  readonly number: number;
  readonly step: StepKey;
  readonly commit: Oid;
  readonly at: Instant;
}

export type EffectState =
  | { readonly status: "requested"; readonly step: StepKey; readonly request: ValueMap }
  | { readonly status: "done"; readonly step: StepKey; readonly request: ValueMap; readonly result: ValueMap };

export interface RecordedError {
  readonly step: StepKey;
  readonly attempt: number;
  readonly class: Failure["class"];
  readonly message: string;
  readonly fingerprint?: string;
  readonly at: Instant;
}

/** A run that rests needs a person (or nobody) to go on; no worker holds it. */
export const isResting = (status: RunStatus): boolean =>
  status === "paused" ||
  status === "completed" ||
  status === "failed" ||
  status === "escalated" ||
  status === "cancelled";

/** A settled step will not be executed again in its visit; one that failed and will be tried again is not settled. */
export const isSettled = (step: StepState | undefined): boolean =>
  step !== undefined &&
  step.status !== "pending" &&
  step.status !== "running" &&
  step.status !== "waiting" &&
  !(step.status === "failed" && step.retryAt !== undefined);
