import type { StepId, StepKey, Value, ValueMap } from "./brand.ts";
import { idOfKey, visitOfKey } from "./event.ts";
import type { Plan } from "./plan.ts";
import type { RunState, StepState } from "./state.ts";

/**
 * What the expressions and templates of a step see: `inputs`, `task`, `run`, `steps`, `visit`, `max`, `responses`,
 * `notes`. In `steps` an id stands for its latest visit, so that `steps.verify.outputs.status` is the last word.
 */
export function scopeOf(plan: Plan, state: RunState, key: StepKey): ValueMap {
  const repeat = plan.nodes.get(idOfKey(key))?.inside?.repeat ?? idOfKey(key);
  let steps: Readonly<Record<string, ValueMap>> | undefined;
  return {
    inputs: plan.inputs,
    run: {
      id: state.run,
      workflow: state.definition.name,
      version: state.definition.version,
      trigger: state.trigger.kind,
      by: state.trigger.by,
    },
    visit: state.repeats[repeat as StepId]?.visit ?? visitOfKey(key),
    responses: responsesOf(state),
    notes: state.notes.map((note) => ({ text: note.text, by: note.by })),
    // Most expressions look at few steps or none; a run of hundreds should not pay for all of them each time.
    get steps() {
      steps ??= stepsOf(plan, state);
      return steps;
    },
    get task() {
      return taskScope(state, this["steps"] as Readonly<Record<string, ValueMap>>);
    },
  };
}

function stepsOf(plan: Plan, state: RunState): Readonly<Record<string, ValueMap>> {
  const steps: Record<string, ValueMap> = {};
  for (const node of plan.nodes.keys()) steps[node] = { status: "pending", outputs: {} };
  for (const [stepKey, step] of Object.entries(state.steps) as [StepKey, StepState][]) {
    const id = idOfKey(stepKey);
    const visit = visitOfKey(stepKey);
    if (visit >= Number(steps[id]?.["visit"] ?? 0)) steps[id] = stepScope(step, visit);
  }
  return steps;
}

const stepScope = (step: StepState, visit: number): ValueMap => ({
  status: step.status,
  outputs: step.outputs,
  attempt: step.attempt,
  visit,
  error: step.failure ? { class: step.failure.class, message: step.failure.message } : null,
});

/** The task as prompts see it; its complexity is what triage found, once there is a triage. */
const taskScope = (state: RunState, steps: Readonly<Record<string, ValueMap>>): ValueMap => {
  const found = (steps["triage"]?.["outputs"] as ValueMap | undefined)?.["estimated_complexity"];
  return {
    id: state.task.id,
    title: state.task.title,
    description: state.task.description,
    priority: state.task.priority,
    labels: state.task.labels,
    branch: state.task.branch,
    target: state.task.target,
    complexity: found ?? "unknown",
  };
};

const responsesOf = (state: RunState): readonly Value[] =>
  state.questions.flatMap((question) =>
    question.answer
      ? [{ id: question.id, question: question.title, answer: question.answer.text, by: question.answer.by }]
      : [],
  );
