import type { Instant, Oid, RunId, StepId, StepKey, ValueMap } from "./brand.ts";
import type { DocumentName } from "./document.ts";
import type { Lease } from "./lease.ts";
import type { Question } from "./question.ts";
import type { FailureClass } from "./retry.ts";
import type { Spending } from "./spending.ts";
import type { Task } from "./task.ts";

/**
 * The journal's vocabulary. Past tense, closed, and for ever: a changed meaning is a new event, never an edited one
 * (golden journals hold this). Every event carries the epoch under which it was written (law J6) and an id that is a
 * function of the intent, so that a repeated append is recognised (law J4).
 */
export type JournalEvent = EventHead & EventBody;

export interface EventHead {
  readonly id: string;
  readonly at: Instant;
  readonly epoch: number;
}

/** The number of the meaning of all this. Fixed for the life of a run (law J7). */
export const spec = 1;

export type EventBody = RunEvent | LeaseEvent | StepEvent | RepeatEvent | ConversationEvent | EffectEvent;

export type RunEvent =
  | {
      readonly type: "run.created";
      readonly run: RunId;
      readonly spec: number;
      readonly definition: PinnedDefinition;
      readonly task: Task;
      readonly inputs: ValueMap;
      readonly trigger: Trigger;
      /** The commit that the work branch begins at. */
      readonly base: Oid;
      /** The agent that steps use when they name none. */
      readonly agent: string;
      readonly agentConfig: ValueMap;
      /** What the person or the configuration allows this run, over what the definition says. */
      readonly limits?: { readonly usd?: number; readonly autoResume?: number };
      readonly totalSteps: number;
    }
  | { readonly type: "run.pause-requested"; readonly by: string; readonly now: boolean }
  | { readonly type: "run.paused"; readonly reason: PauseReason; readonly detail: string }
  | { readonly type: "run.resumed"; readonly by: string; readonly usd?: number }
  | { readonly type: "run.cancel-requested"; readonly by: string; readonly now: boolean }
  | { readonly type: "run.cancelled"; readonly by: string }
  | { readonly type: "run.completed"; readonly outputs: ValueMap }
  | { readonly type: "run.failed"; readonly step: StepKey; readonly message: string }
  | { readonly type: "run.escalated"; readonly step: StepKey; readonly message: string };

export type LeaseEvent =
  | { readonly type: "lease.claimed"; readonly lease: Lease }
  | { readonly type: "lease.released"; readonly reason: "idle" | "done" | "interrupted" }
  | { readonly type: "lease.lost"; readonly lease: Lease; readonly verdict: string };

export type StepEvent =
  | { readonly type: "step.started"; readonly step: StepKey; readonly attempt: number }
  | {
      readonly type: "step.checkpointed";
      readonly step: StepKey;
      readonly attempt: number;
      /** A commit with the uncommitted work; its parent is the head of the work branch. */
      readonly commit: Oid;
      /** Path on the run's branch of the agent's kept session, and its id. */
      readonly session?: { readonly id: string; readonly path: string };
      readonly reason: "timer" | "signal" | "end";
    }
  | {
      readonly type: "step.completed";
      readonly step: StepKey;
      readonly attempt: number;
      readonly outputs: ValueMap;
      /** One short line for people: `6 files, 3 commits`. */
      readonly summary: string;
      readonly documents: readonly KeptDocument[];
      /** The step's commit on the work branch; visible if and only if this event is (law J11). */
      readonly work?: { readonly before: Oid; readonly after: Oid; readonly files: number };
      readonly spending?: Spending;
      /** A named restorable point made by this completion, from 1. */
      readonly checkpoint?: number;
      readonly warnings?: readonly string[];
    }
  | {
      readonly type: "step.failed";
      readonly step: StepKey;
      readonly attempt: number;
      readonly failure: Failure;
      /** When the next try may begin; absent when there is none. */
      readonly retryAt?: Instant;
      readonly spending?: Spending;
      readonly warnings?: readonly string[];
    }
  | { readonly type: "step.skipped"; readonly step: StepKey; readonly reason: SkipReason; readonly detail?: string }
  | { readonly type: "step.interrupted"; readonly step: StepKey; readonly attempt: number; readonly cause: string };

export type RepeatEvent = {
  readonly type: "repeat.visited";
  readonly step: StepKey;
  /** The visit that now begins, from 1. */
  readonly visit: number;
  /** Whether the escalation steps go first in it. */
  readonly escalated: boolean;
};

export type ConversationEvent =
  | { readonly type: "question.asked"; readonly step: StepKey; readonly questions: readonly Question[] }
  | { readonly type: "question.answered"; readonly answers: ReadonlyArray<Answered>; readonly by: string }
  | { readonly type: "note.added"; readonly text: string; readonly by: string };

export interface Answered {
  readonly question: string;
  readonly answer: string;
}

export type EffectEvent =
  | { readonly type: "effect.requested"; readonly key: string; readonly step: StepKey; readonly request: ValueMap }
  | { readonly type: "effect.done"; readonly key: string; readonly result: ValueMap };

export interface PinnedDefinition {
  readonly name: string;
  readonly version: string;
  /** Where it was read, for people: `workflows/develop.yaml (shipped)`. Never an absolute path (law J8). */
  readonly source: string;
  /** SHA-256 of the text, hex. */
  readonly hash: string;
  /** The repository's commit it was read at, when it came from the repository. */
  readonly commit?: Oid;
  /** File name on the run's branch: `workflow.yaml` or `workflow.md`. */
  readonly file: string;
}

export interface Trigger {
  readonly kind: "manual" | "label" | "comment" | "schedule" | "dispatch" | "api";
  readonly by: string;
}

export interface Failure {
  readonly class: FailureClass;
  readonly message: string;
  /** More for the error file: a tail of output, a stack. Redacted like everything else. */
  readonly detail?: string;
  /** Equal for equal causes, so that a repeated failure is recognised. */
  readonly fingerprint?: string;
}

export interface KeptDocument {
  readonly name: DocumentName;
  readonly path: string;
}

export type SkipReason = "condition" | "dependency" | "fail-fast" | "person";
export type PauseReason = "person" | "budget" | "recoveries" | "ambiguous" | "exhausted" | "definition";

/**
 * The id of an event: its intent, readable (law J4). Two appends of the same intent have the same id; `cause` tells
 * apart what may rightly happen twice (a comment id, a visit, a count).
 */
export const eventIdOf = (
  type: EventBody["type"],
  epoch: number,
  subject: string,
  cause: string | number = "",
): string => `${type}:${subject}:e${epoch}${cause === "" ? "" : `:${cause}`}`;

/** The repeat step that a key stands in, as people write it; used by reports. */
export const idOfKey = (key: StepKey): StepId => key.split("@", 1)[0] as StepId;
/** The visit in a key: `verify@2` gives 2, `triage` gives 1. */
export const visitOfKey = (key: StepKey): number => Number(key.split("@")[1] ?? 1);
