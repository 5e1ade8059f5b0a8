import { type StepKey, stepKeyOf } from "./brand.ts";
import { type Decision, record, type View } from "./decision.ts";
import type { Step } from "./definition.ts";
import type { EventBody } from "./event.ts";
import { isTruthy } from "./expression.ts";
import type { Plan } from "./plan.ts";
import { isBlocking } from "./question.ts";
import { scopeOf } from "./scope.ts";
import { isSettled, type RunState, type StepState } from "./state.ts";

/** What one step wants: to be skipped, started, started again, or to wait; undefined while its needs are open. */
export function decideStep(view: View, step: Step, key: StepKey): Decision | undefined {
  const { plan, state, now } = view;
  const known = state.steps[key];
  if (known?.status === "waiting") return approvalDecision(state, key, known);
  if (known?.status === "running") return startAgain(view, step, key, known);
  if (known?.status === "failed") {
    if (known.retryAt === undefined) return undefined;
    if (isUnknown(step, known)) return record(ambiguous(key));
    return known.retryAt <= now
      ? gate(view, step, key, known.attempt + 1)
      : { kind: "wait", for: "timer", until: known.retryAt };
  }
  if (known && isUnknown(step, known)) return record(ambiguous(key));
  const unmet = step.needs.filter((need) => !isMet(plan, need, state));
  if (unmet.some((need) => isSettled(state.steps[stepKeyOf(need)]))) {
    return record({
      type: "step.skipped",
      step: key,
      reason: "dependency",
      detail: `${unmet.join(", ")} did not complete.`,
    });
  }
  if (unmet.length > 0) return undefined;
  if (step.when && known === undefined) {
    const condition = step.when.evaluate(scopeOf(plan, state, key));
    if (!condition.ok) return record(brokenExpression(key, step.when.source, condition.message));
    if (!isTruthy(condition.value))
      return record({ type: "step.skipped", step: key, reason: "condition", detail: step.when.source });
  }
  return gate(view, step, key, (known?.attempt ?? 0) + 1);
}

/** D3: what holds a step that is otherwise ready. */
function gate(view: View, step: Step, key: StepKey, attempt: number): Decision {
  const { plan, state } = view;
  if (state.questions.some(isBlocking)) return { kind: "wait", for: "answers" };
  const usd = state.usd ?? plan.definition.limits.usd;
  if (usd !== undefined && spendsMoney(step) && state.spending.usd >= usd) {
    return record({
      type: "run.paused",
      reason: "budget",
      detail: `$${state.spending.usd.toFixed(2)} of $${usd.toFixed(2)} are spent.`,
    });
  }
  return step.action.type === "repeat"
    ? record({ type: "step.started", step: key, attempt })
    : { kind: "start", key, step, attempt };
}

/** D2, bounded: a step that keeps losing its workers is put to a person, and so is one whose outcome must not be guessed. */
function startAgain(view: View, step: Step, key: StepKey, known: StepState): Decision | undefined {
  const { plan, state } = view;
  if (isRunningNow(known, state)) return undefined;
  const budget = state.autoResume ?? plan.definition.limits.autoResume;
  if (known.interruptions >= budget) {
    return record({
      type: "run.paused",
      reason: "recoveries",
      detail: `\`${key}\` lost its worker ${known.interruptions + 1} times.`,
    });
  }
  if (step.onAmbiguous === "pause") return record(ambiguous(key));
  return gate(view, step, key, known.attempt + 1);
}

/** A try that was cut off, by a signal or by its own time, may have done everything or nothing of what it does outside. */
const isUnknown = (step: Step, known: StepState): boolean =>
  step.onAmbiguous === "pause" &&
  (known.status === "failed"
    ? known.failure?.class === "infrastructure" || known.failure?.class === "timeout"
    : known.interrupted === true);

const ambiguous = (key: StepKey): EventBody => ({
  type: "run.paused",
  reason: "ambiguous",
  detail: `\`${key}\` was interrupted and has effects outside; nobody knows whether they happened.`,
});

function approvalDecision(state: RunState, key: StepKey, known: StepState): Decision {
  const question = state.questions.findLast((candidate) => candidate.step === key && candidate.approval);
  if (!question?.answer) return { kind: "wait", for: "answers" };
  const { text, by } = question.answer;
  const base = { step: key, attempt: known.attempt } as const;
  return text === "approve"
    ? record({
        type: "step.completed",
        ...base,
        outputs: { answer: text, by },
        summary: `approved by ${by}`,
        documents: [],
      })
    : record({ type: "step.failed", ...base, failure: { class: "refused", message: `${by} said ${text}.` } });
}

export const brokenExpression = (key: StepKey, source: string, message: string): EventBody => ({
  type: "step.failed",
  step: key,
  attempt: 1,
  failure: { class: "contract", message: `The expression \`${source}\` cannot be evaluated: ${message}` },
});

/** Running in the hands of the worker that holds the lease now. */
export const isRunningNow = (step: StepState | undefined, state: RunState): boolean =>
  step?.status === "running" && step.epoch === state.epoch;

/** Failed, with no try left, and the definition says that this matters. */
export const isFinalFailure = (step: Step, known: StepState | undefined): boolean =>
  isSettled(known) && known?.status === "failed" && step.onFailure === "fail";

/** Settled in a way that lets what comes after it begin. */
export const isSettledWell = (step: Step, known: StepState | undefined): boolean =>
  isSettled(known) && !isFinalFailure(step, known);

/** A dependency is met when it completed, was cached, or was left out on purpose (requirements S0-038, S1-145). */
function isMet(plan: Plan, need: Step["id"], state: RunState): boolean {
  const step = plan.nodes.get(need)?.step;
  const known = state.steps[stepKeyOf(need)];
  if (!step || !known || !isSettledWell(step, known)) return false;
  return known.status !== "skipped" || known.skipped?.reason === "condition" || known.skipped?.reason === "person";
}

const spendsMoney = (step: Step): boolean => step.action.type === "agent" || step.action.type === "skill";
