import type { StepKey } from "./brand.ts";
import { type Instant, type StepId, stepKeyOf, type Value, type ValueMap } from "./brand.ts";
import { visitRepeat } from "./decide-repeat.ts";
import { decideStep, isFinalFailure, isRunningNow, isSettledWell } from "./decide-step.ts";
import { type Decision, record, type View } from "./decision.ts";
import type { Step } from "./definition.ts";
import { idOfKey } from "./event.ts";
import type { Plan } from "./plan.ts";
import { scopeOf } from "./scope.ts";
import { isResting, type RunState } from "./state.ts";

/**
 * What a run wants next. Level-triggered (law J13): the answer depends on the state alone, whatever woke the worker.
 *
 * D1 A settled step is never started again in its visit (law J5).
 * D2 A step that is running under an older epoch was interrupted, and is started again from its last checkpoint.
 * D3 No step starts while a person's blocking answer is missing, while a stop is requested, or beyond the budget.
 * D4 At most `maxConcurrent` steps of a phase run at once, and phases follow one another.
 * D5 There is always a decision: a state that is not resting has something to record, to start or to wait for.
 */
export function decide(plan: Plan, state: RunState, now: Instant): readonly Decision[] {
  if (isResting(state.status)) return [{ kind: "rest" }];
  if (state.requested) return [stop(plan, state, state.requested)];
  const phase = plan.phases.find(
    (candidate) => !candidate.steps.every((step) => isSettledWell(step, state.steps[stepKeyOf(step.id)])),
  );
  if (!phase) return [record({ type: "run.completed", outputs: runOutputs(plan, state) })];
  return decidePhase({ plan, state, now, phase });
}

/** A person asked to stop: nothing new begins, and the last word is written when nothing of ours runs any more. */
function stop(plan: Plan, state: RunState, { what, by }: NonNullable<RunState["requested"]>): Decision {
  const busy = (Object.keys(state.steps) as StepKey[]).some(
    (key) => isRunningNow(state.steps[key], state) && plan.nodes.get(idOfKey(key))?.step.action.type !== "repeat",
  );
  if (busy) return { kind: "wait", for: "steps" };
  return record(
    what === "cancel"
      ? { type: "run.cancelled", by }
      : { type: "run.paused", reason: "person", detail: `Paused by ${by}.` },
  );
}

function decidePhase(view: View): readonly Decision[] {
  const { phase, state } = view;
  const inQuestion = stepsInQuestion(view);
  const failed = inQuestion.find((step) => isFinalFailure(step, state.steps[stepKeyOf(step.id)]));
  let running = inQuestion.filter((step) => occupies(step, state)).length;
  const starts: Decision[] = [];
  const waits: Decision[] = [];
  for (const step of inQuestion) {
    const known = state.steps[stepKeyOf(step.id)];
    if (isSettledWell(step, known) || isFinalFailure(step, known)) continue;
    if (failed && phase.failFast && known === undefined) continue;
    const next =
      step.action.type === "repeat" && known?.status === "running"
        ? visitRepeat(view, step, step.action)
        : decideStep(view, step, stepKeyOf(step.id));
    if (next?.kind === "record") {
      if (next.event.type !== "run.paused" || !isBusy(view)) return [next];
      // The run rests only when nothing of ours runs any more: what is under way is paid for, and is let come to its end.
      continue;
    }
    if (next?.kind === "wait") waits.push(next);
    if (next?.kind !== "start") continue;
    const holdsPlace = occupies(step, state);
    if (!holdsPlace && running >= phase.maxConcurrent) continue;
    if (!holdsPlace) running += 1;
    starts.push(next);
  }
  if (starts.length > 0) return starts;
  if (inQuestion.some((step) => runsNow(view, step))) return [{ kind: "wait", for: "steps" }];
  return [failed && waits.length === 0 ? runFailure(failed, state) : soonest(waits)];
}

/**
 * The steps that can want something. In a sequential phase that is the first that is not settled well: all after it
 * depend on it, and a run of hundreds of steps should not look at each of them each time.
 */
function stepsInQuestion({ phase, state }: View): readonly Step[] {
  if (phase.order !== "sequential") return phase.steps;
  const first = phase.steps.findIndex((step) => !isSettledWell(step, state.steps[stepKeyOf(step.id)]));
  const step = phase.steps[first];
  const goesOn = step && !phase.failFast && isFinalFailure(step, state.steps[stepKeyOf(step.id)]);
  return goesOn ? phase.steps.slice(first) : phase.steps.slice(first, first + 1);
}

function runFailure(step: Step, state: RunState): Decision {
  const key = stepKeyOf(step.id);
  const failure = state.steps[key]?.failure;
  const message = failure?.message ?? "failed";
  return record({ type: failure?.class === "verification" ? "run.escalated" : "run.failed", step: key, message });
}

/** Of several waits the earliest timer; a person's answer only when nothing else will ever happen by itself. */
function soonest(waits: readonly Decision[]): Decision {
  const times = waits.flatMap((wait) => (wait.kind === "wait" && wait.until !== undefined ? [wait.until] : []));
  return times.length > 0
    ? { kind: "wait", for: "timer", until: Math.min(...times) as Instant }
    : { kind: "wait", for: "answers" };
}

function runOutputs(plan: Plan, state: RunState): ValueMap {
  const scope = scopeOf(plan, state, stepKeyOf("run" as StepId));
  const outputs: Record<string, Value> = {};
  for (const [name, expression] of Object.entries(plan.definition.outputs)) {
    const value = expression.evaluate(scope);
    outputs[name] = value.ok ? value.value : null;
  }
  return outputs;
}

/** Whether a step holds one of the phase's places: a repeat does from its first visit to its last. */
const occupies = (step: Step, state: RunState): boolean => {
  const known = state.steps[stepKeyOf(step.id)];
  return step.action.type === "repeat" ? known?.status === "running" : isRunningNow(known, state);
};

const isBusy = (view: View): boolean => view.phase.steps.some((step) => runsNow(view, step));

/** Whether a process of this worker is busy with the step, or with one inside it. */
function runsNow({ plan, state }: View, step: Step): boolean {
  if (step.action.type !== "repeat") return isRunningNow(state.steps[stepKeyOf(step.id)], state);
  const visit = state.repeats[step.id]?.visit;
  return [...plan.nodes.values()].some(
    (node) => node.inside?.repeat === step.id && isRunningNow(state.steps[stepKeyOf(node.step.id, visit)], state),
  );
}
