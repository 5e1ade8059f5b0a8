import type { Instant, StepKey, Value, ValueMap } from "../core/brand.ts";
import { idOfKey, visitOfKey } from "../core/event.ts";
import { isBlocking, isOpen } from "../core/question.ts";
import type { Spending } from "../core/spending.ts";
import { isResting, isSettled, type RunState, type StepState } from "../core/state.ts";

/** The events that a commit adds: those after `from`, up to and with `to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * The files that every commit renders from the state, for people, `watch` and `jq`. Nothing reads them back: the
 * journal is the truth. `state.json` and `progress.json` keep the shapes of the state schema that people know
 * (requirements S1-070 to S1-093), and add ours.
 *
 * What a commit writes must not grow with the number of commits before it, or a journal costs its square in bytes:
 * lists in `state.json` are cut, and `progress.json`, which names every step, is rendered again only when it can have
 * changed by a fiftieth, and whenever nobody holds the run.
 */
export function runFiles(state: RunState, span: Span): Readonly<Record<string, string>> {
  return {
    ...(span.from === 0 && { "run.json": print(pinned(state)) }),
    "state.json": print(stateFile(state, span.to)),
    ...(isProgressDue(state, span) && { "progress.json": print(progressFile(state, span.to)) }),
  };
}

const kept = 20;
const fraction = 50;

function isProgressDue(state: RunState, span: Span): boolean {
  const every = Math.ceil(Object.keys(state.steps).length / fraction);
  return (
    every <= 1 ||
    state.lease === undefined ||
    isResting(state.status) ||
    Math.floor(span.to / every) > Math.floor(span.from / every)
  );
}

const pinned = (state: RunState) => ({
  run_id: state.run,
  spec: state.spec,
  created_at: iso(state.createdAt),
  definition: state.definition,
  trigger: state.trigger,
  inputs: state.inputs,
  task: state.task,
  agent: state.agent,
  agent_config: state.agentConfig,
  base: state.base,
  total_steps: state.totalSteps,
});

function stateFile(state: RunState, seq: number) {
  const open = state.questions.filter(isOpen);
  const waiting = Object.entries(state.effects).filter(([, effect]) => effect.status === "requested");
  return {
    workflow: state.definition.name,
    version: state.definition.version,
    status: state.status,
    started_at: iso(state.createdAt),
    updated_at: iso(state.updatedAt),
    completed_at: state.endedAt === undefined ? null : iso(state.endedAt),
    current_step: currentStep(state),
    current_steps: unsettled(state).slice(0, kept),
    total_steps: state.totalSteps,
    errors: state.errors.slice(-kept).map(({ at, ...error }) => ({ ...error, at: iso(at) })),
    metadata: { triggered_by: state.trigger.kind, actor: state.trigger.by, git_commit: state.base },
    run_id: state.run,
    title: state.task.title,
    spec: state.spec,
    seq,
    epoch: state.epoch,
    lease: state.lease ?? null,
    reason: state.reason ?? null,
    requested: state.requested ?? null,
    head: state.head,
    waiting_for: open.filter(isBlocking).map(({ id, title, step }) => ({ question: id, title, step })),
    questions: state.questions.slice(-kept),
    repeats: state.repeats,
    documents: state.documents,
    checkpoint: state.checkpoints.at(-1) ?? null,
    effects_pending: waiting.slice(0, kept).map(([key]) => key),
    error_count: state.errors.length,
    spending: { ...spent(state.spending), budget_usd: state.usd ?? null },
    outputs: state.outputs,
    definition_sha256: state.definition.hash,
  };
}

const progressFile = (state: RunState, seq: number) => ({
  seq,
  steps: steps(state).map(([key, step], index) => stepEntry(index + 1, key, step)),
});

function stepEntry(id: number, key: StepKey, step: StepState): ValueMap {
  const done = step.endedAt;
  return {
    id,
    name: idOfKey(key),
    step: key,
    visit: visitOfKey(key),
    status: step.status,
    attempt: step.attempt,
    ...(step.startedAt !== undefined && { started_at: iso(step.startedAt) }),
    ...(done !== undefined && { completed_at: iso(done) }),
    ...(done !== undefined &&
      step.startedAt !== undefined && { duration_seconds: Math.round((done - step.startedAt) / 100) / 10 }),
    ...(step.retryAt !== undefined && { retry_at: iso(step.retryAt) }),
    ...(isSettled(step) && { outputs: outputsOf(step) }),
    ...(step.summary !== "" && { summary: step.summary }),
    ...(step.skipped && { skipped: step.skipped.reason }),
    ...(step.failure && { error: { class: step.failure.class, message: step.failure.message } }),
    ...(step.spending.usd > 0 && { usd: step.spending.usd }),
    ...(step.warnings.length > 0 && { warnings: step.warnings.slice(-kept) }),
  };
}

/** What the step gave, and what it did to the code, under the names that the state schema has for it. */
const outputsOf = (step: StepState): ValueMap => ({
  ...(step.work && { files_modified: step.work.files, git_commit: step.work.after }),
  ...step.outputs,
});

const steps = (state: RunState): ReadonlyArray<[StepKey, StepState]> =>
  Object.entries(state.steps) as Array<[StepKey, StepState]>;

const unsettled = (state: RunState): readonly StepKey[] =>
  steps(state)
    .filter(([, step]) => !isSettled(step))
    .map(([key]) => key);

/** The place of the first step that is not done, from 1, in the order in which steps began; a repeated one counts once. */
function currentStep(state: RunState): number {
  const latest = new Map(steps(state).map(([key, step]) => [idOfKey(key), isSettled(step)]));
  const open = [...latest.values()].indexOf(false);
  return Math.min(open < 0 ? latest.size + 1 : open + 1, Math.max(state.totalSteps, 1));
}

const spent = (spending: Spending): Record<string, Value> => ({
  usd: spending.usd,
  input_tokens: spending.inputTokens,
  output_tokens: spending.outputTokens,
  turns: spending.turns,
});

const iso = (at: Instant): string => new Date(at).toISOString();
const print = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
