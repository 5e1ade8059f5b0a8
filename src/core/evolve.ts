import type { StepId, StepKey } from "./brand.ts";
import { unreachable } from "./brand.ts";
import { idOfKey, type JournalEvent } from "./event.ts";
import { isBlocking } from "./question.ts";
import { addSpending, nothingSpent } from "./spending.ts";
import { isResting, type RunState, type RunStatus, type StepState } from "./state.ts";

/** How one step of the table is replaced: by a copy, or in place where the table is the caller's own. */
export type Put = (steps: RunState["steps"], key: StepKey, step: StepState) => RunState["steps"];
const putCopy: Put = (steps, key, step) => ({ ...steps, [key]: step });

/** One event applied to a state, which stays as it was. */
export const evolve = (state: RunState, event: JournalEvent): RunState => applied(state, event, putCopy);

/**
 * One event applied to a state. Total: it never throws, and an event that makes no sense where it stands changes
 * nothing but the time. Rules are checked when an event is decided, never when it is remembered.
 */
export function applied(state: RunState, event: JournalEvent, put: Put): RunState {
  const next = { ...state, updatedAt: event.at };
  const withStep = (from: RunState, key: StepKey, change: (step: StepState) => StepState): RunState => ({
    ...from,
    steps: put(from.steps, key, change(from.steps[key] ?? freshStep)),
  });
  switch (event.type) {
    case "run.created":
      return next;
    case "run.pause-requested":
    case "run.cancel-requested": {
      const what = event.type === "run.pause-requested" ? ("pause" as const) : ("cancel" as const);
      return isResting(state.status) && what === "pause"
        ? next
        : { ...next, requested: { what, by: event.by, now: event.now } };
    }
    case "run.paused":
      return rest(next, "paused", { kind: event.reason, detail: event.detail });
    case "run.resumed":
      return resumed(next, event.usd);
    case "run.cancelled":
      return { ...rest(next, "cancelled", { kind: "person", detail: `Cancelled by ${event.by}.` }), endedAt: event.at };
    case "run.completed":
      return { ...without(next, "reason"), status: "completed", endedAt: event.at, outputs: event.outputs };
    case "run.failed":
      return {
        ...rest(next, "failed", { kind: "failed", detail: event.message, step: event.step }),
        endedAt: event.at,
      };
    case "run.escalated":
      return rest(next, "escalated", { kind: "escalated", detail: event.message, step: event.step });
    case "lease.claimed":
      return {
        ...next,
        lease: event.lease,
        epoch: event.lease.epoch,
        status: isResting(state.status) ? state.status : "running",
      };
    case "lease.lost":
      return without(next, "lease");
    case "lease.released":
      return { ...without(next, "lease"), status: idleStatus(state) };
    case "step.started":
      return withStep(next, event.step, (step) => ({
        ...without(without(without(step, "retryAt"), "endedAt"), "interrupted"),
        status: "running",
        attempt: event.attempt,
        epoch: event.epoch,
        interruptions: step.interruptions + (step.status === "running" && step.epoch !== event.epoch ? 1 : 0),
        startedAt: step.startedAt ?? event.at,
      }));
    case "step.checkpointed":
      return withStep({ ...next, checkpointHead: event.commit }, event.step, (step) => ({
        ...step,
        resume: { commit: event.commit, ...(event.session && { session: event.session }) },
      }));
    case "step.completed": {
      const after = withStep(next, event.step, (step) => ({
        ...without(without(step, "failure"), "resume"),
        status: "completed",
        endedAt: event.at,
        outputs: event.outputs,
        summary: event.summary,
        spending: addSpending(step.spending, event.spending ?? nothingSpent),
        warnings: [...step.warnings, ...(event.warnings ?? [])],
        ...(event.work && { work: event.work }),
      }));
      return {
        ...after,
        head: event.work?.after ?? state.head,
        spending: addSpending(state.spending, event.spending ?? nothingSpent),
        documents:
          event.documents.length === 0
            ? state.documents
            : { ...state.documents, ...Object.fromEntries(event.documents.map((d) => [d.name, d])) },
        checkpoints:
          event.checkpoint === undefined
            ? state.checkpoints
            : [
                ...state.checkpoints,
                { number: event.checkpoint, step: event.step, commit: event.work?.after ?? state.head, at: event.at },
              ],
      };
    }
    case "step.failed": {
      const { failure } = event;
      const after = withStep(next, event.step, (step) => ({
        ...step,
        status: "failed",
        endedAt: event.at,
        failed: step.failed + 1,
        failure,
        summary: failure.message,
        spending: addSpending(step.spending, event.spending ?? nothingSpent),
        warnings: [...step.warnings, ...(event.warnings ?? [])],
        ...(event.retryAt !== undefined && { retryAt: event.retryAt }),
      }));
      return {
        ...after,
        spending: addSpending(state.spending, event.spending ?? nothingSpent),
        errors: [
          ...state.errors,
          {
            step: event.step,
            attempt: event.attempt,
            class: failure.class,
            message: failure.message,
            at: event.at,
            ...(failure.fingerprint !== undefined && { fingerprint: failure.fingerprint }),
          },
        ],
      };
    }
    case "step.skipped":
      return withStep(next, event.step, (step) => ({
        ...step,
        status: "skipped",
        endedAt: event.at,
        skipped: { reason: event.reason, detail: event.detail ?? "" },
      }));
    case "step.interrupted":
      return withStep(next, event.step, (step) => ({ ...step, status: "pending", interrupted: true }));
    case "repeat.visited":
      return {
        ...next,
        repeats: {
          ...state.repeats,
          [idOfKey(event.step)]: {
            visit: event.visit,
            escalated: event.escalated,
            grants: state.repeats[idOfKey(event.step)]?.grants ?? 0,
          },
        },
      };
    case "question.asked":
      return {
        ...withStep(next, event.step, (step) =>
          event.questions.some((q) => q.approval) ? { ...step, status: "waiting" } : step,
        ),
        questions: [...state.questions, ...event.questions.map((question) => ({ ...question, step: event.step }))],
      };
    case "question.answered": {
      const questions = state.questions.map((question) => {
        const answer = event.answers.find((given) => given.question === question.id);
        return answer && question.answer === undefined
          ? { ...question, answer: { text: answer.answer, by: event.by } }
          : question;
      });
      const status = state.status === "waiting" && !questions.some(isBlocking) ? "queued" : state.status;
      return { ...next, questions, status };
    }
    case "note.added":
      return { ...next, notes: [...state.notes, { text: event.text, by: event.by, at: event.at }] };
    case "effect.requested":
      return {
        ...next,
        effects: { ...state.effects, [event.key]: { status: "requested", step: event.step, request: event.request } },
      };
    case "effect.done": {
      const effect = state.effects[event.key];
      if (!effect) return next;
      return {
        ...next,
        effects: {
          ...state.effects,
          [event.key]: { status: "done", step: effect.step, request: effect.request, result: event.result },
        },
      };
    }
    default:
      return unreachable(event);
  }
}

const freshStep: StepState = {
  status: "pending",
  attempt: 0,
  failed: 0,
  interruptions: 0,
  epoch: 0,
  outputs: {},
  summary: "",
  spending: nothingSpent,
  warnings: [],
};

const rest = (state: RunState, status: RunStatus, reason: NonNullable<RunState["reason"]>): RunState => ({
  ...without(state, "requested"),
  status,
  reason,
});

/** What a run is when nobody works at it. */
const idleStatus = (state: RunState): RunStatus =>
  isResting(state.status) ? state.status : state.questions.some(isBlocking) ? "waiting" : "queued";

/**
 * A person says go on: what failed for good may be tried again, a repeat that ran out gets as many visits again,
 * recoveries are counted from zero, and a step of unknown outcome that the run rested for is one to be tried again.
 */
function resumed(state: RunState, usd: number | undefined): RunState {
  const repeats = { ...state.repeats };
  const looked = state.reason?.kind === "ambiguous";
  const steps = Object.fromEntries(
    Object.entries(state.steps).map(([key, step]: [string, StepState]) => {
      const repeat = repeats[key as StepId];
      if (step.status !== "failed") {
        const again = looked && step.status === "running" && !repeat;
        const seen = looked ? without(step, "interrupted") : step;
        return [key, { ...seen, interruptions: 0, ...(again && { status: "pending" }) }];
      }
      const ranOut = step.failure?.class === "verification";
      if (repeat && ranOut) repeats[key as StepId] = { ...repeat, grants: repeat.grants + 1 };
      return [
        key,
        { ...without(step, "retryAt"), failed: 0, interruptions: 0, status: repeat ? "running" : "pending" },
      ];
    }),
  ) as RunState["steps"];
  return {
    ...without(without(without(state, "reason"), "requested"), "endedAt"),
    status: state.questions.some(isBlocking) ? "waiting" : "queued",
    steps,
    repeats,
    ...(usd !== undefined && { usd }),
  };
}

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = value;
  return rest;
}
