import { type StepKey, stepKeyOf } from "./brand.ts";
import { brokenExpression, decideStep, isFinalFailure } from "./decide-step.ts";
import { type Decision, record, type View } from "./decision.ts";
import type { Repeat, Step } from "./definition.ts";
import { isTruthy } from "./expression.ts";
import { scopeOf } from "./scope.ts";
import { isSettled } from "./state.ts";

/**
 * What a running repeat wants. Its visits are counted in the state, never in memory.
 *
 * R1 The steps of a visit run one after the other: the escalation first when it is due, then the body.
 * R2 `until` is asked once, when a visit's last step is settled.
 * R3 A step of the body that fails for good fails the repeat, with the same failure.
 * R4 After `max` visits (and as many again for each time a person granted it) the repeat fails as `verification`.
 */
export function visitRepeat(view: View, step: Step, repeat: Repeat): Decision | undefined {
  const { plan, state } = view;
  const key = stepKeyOf(step.id);
  const progress = state.repeats[step.id];
  if (!progress) return record({ type: "repeat.visited", step: key, visit: 1, escalated: false });
  const body = [...(progress.escalated ? (repeat.escalate?.steps ?? []) : []), ...repeat.steps];
  for (const inner of body) {
    const innerKey = stepKeyOf(inner.id, progress.visit);
    const known = state.steps[innerKey];
    if (known && isFinalFailure(inner, known)) {
      return record({
        type: "step.failed",
        step: key,
        attempt: 1,
        failure: known.failure ?? { class: "infrastructure", message: "failed" },
      });
    }
    if (isSettled(known)) continue;
    return decideStep(view, inner, innerKey);
  }
  const until = repeat.until.evaluate(scopeOf(plan, state, lastKey(body, progress.visit, key)));
  if (!until.ok) return record(brokenExpression(key, repeat.until.source, until.message));
  if (isTruthy(until.value)) {
    return record({
      type: "step.completed",
      step: key,
      attempt: 1,
      outputs: { visits: progress.visit },
      summary: visits(progress.visit),
      documents: [],
    });
  }
  const allowed = repeat.max * (1 + progress.grants);
  if (progress.visit >= allowed) {
    const message = `\`${step.id}\` did not reach its goal in ${visits(progress.visit)}.`;
    return record({
      type: "step.failed",
      step: key,
      attempt: 1,
      failure: { class: "verification", message, detail: `until: ${repeat.until.source}` },
    });
  }
  const escalated = repeat.escalate !== undefined && progress.visit >= repeat.escalate.after;
  return record({ type: "repeat.visited", step: key, visit: progress.visit + 1, escalated });
}

const visits = (count: number): string => (count === 1 ? "1 visit" : `${count} visits`);
const lastKey = (body: readonly Step[], visit: number, fallback: StepKey): StepKey => {
  const last = body.at(-1);
  return last ? stepKeyOf(last.id, visit) : fallback;
};
