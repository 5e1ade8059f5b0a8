import type { Instant, Oid, RunId, StepId, StepKey, Value, ValueMap } from "../../src/core/brand.ts";
import { decide } from "../../src/core/decide.ts";
import type { Decision } from "../../src/core/decision.ts";
import type { Action, Definition, Phase, Step } from "../../src/core/definition.ts";
import type { EventBody, JournalEvent } from "../../src/core/event.ts";
import { evolve } from "../../src/core/evolve.ts";
import type { Expression, Scope, Template } from "../../src/core/expression.ts";
import { initialState } from "../../src/core/fold.ts";
import { type Plan, planOf } from "../../src/core/plan.ts";
import { defaultRetry } from "../../src/core/retry.ts";
import type { RunState } from "../../src/core/state.ts";
import { stamp } from "../../src/engine/stamp.ts";

/** An expression given as a function, so that core is tested without any expression language. */
export const expression = (evaluate: (scope: Scope) => Value): Expression => ({
  source: evaluate.toString(),
  evaluate: (scope) => ({ ok: true, value: evaluate(scope) }),
});
export const always: Expression = expression(() => true);
export const template = (text: string): Template => ({ source: text, render: () => ({ ok: true, value: text }) });

export const assertTrue: Action = { type: "assert", condition: always, message: template("") };

/** A step that does nothing, unless it is told otherwise. */
export const aStep = (
  id: string,
  more: Partial<Omit<Step, "id" | "needs">> & { readonly needs?: readonly string[] } = {},
): Step => ({
  name: id,
  action: assertTrue,
  retry: defaultRetry,
  timeoutMs: 60_000,
  checkpoint: false,
  onAmbiguous: "retry",
  onFailure: "fail",
  outputs: {},
  ...more,
  id: id as StepId,
  needs: (more.needs ?? []) as readonly string[] as readonly StepId[],
});

/** Steps one after the other. */
export const inOrder = (id: string, ...steps: readonly Step[]): Phase => ({
  id,
  order: "sequential",
  maxConcurrent: 1,
  failFast: true,
  steps: steps.map((step, index) => ({
    ...step,
    needs: [...step.needs, ...steps.slice(Math.max(0, index - 1), index).map((before) => before.id)],
  })),
});
export const atOnce = (id: string, maxConcurrent: number, ...steps: readonly Step[]): Phase => ({
  id,
  order: "parallel",
  maxConcurrent,
  failFast: true,
  steps,
});

export const aDefinition = (...phases: readonly Phase[]): Definition => ({
  name: "sample",
  version: "1.0.0",
  description: "",
  inputs: {},
  outputs: {},
  environment: {},
  passEnvironment: [],
  limits: { autoResume: 3 },
  phases,
});

export function aPlan(...phases: readonly Phase[]): Plan {
  const plan = planOf(aDefinition(...phases), {});
  if (!plan.ok) throw new Error(plan.problems.map((p) => p.what).join("; "));
  return plan.value;
}

export const at = (ms: number): Instant => ms as Instant;
export const key = (text: string): StepKey => text as StepKey;
export const oid = (digit: string): Oid => digit.repeat(40).slice(0, 40) as Oid;
export const aRun = "sample-1" as RunId;

export const created: EventBody & { readonly type: "run.created" } = {
  type: "run.created",
  run: aRun,
  spec: 1,
  definition: { name: "sample", version: "1.0.0", source: "sample.yaml", hash: "0", file: "workflow.yaml" },
  task: { id: "task-1", title: "Sample", description: "", priority: "medium", labels: [], branch: "", target: "main" },
  inputs: {},
  trigger: { kind: "manual", by: "ana" },
  base: oid("a"),
  agent: "scripted",
  agentConfig: {},
  totalSteps: 1,
};

export const claimed = (epoch: number): EventBody => ({
  type: "lease.claimed",
  lease: { epoch, owner: { kind: "process", host: "here", pid: epoch, started: "1" } },
});
export const started = (step: string, attempt = 1): EventBody => ({ type: "step.started", step: key(step), attempt });
export const ran = (step: string, outputs: ValueMap = {}, attempt = 1): EventBody => ({
  type: "step.completed",
  step: key(step),
  attempt,
  outputs,
  summary: "",
  documents: [],
});
export const broke = (step: string, more: Partial<EventBody & { readonly type: "step.failed" }> = {}): EventBody => ({
  type: "step.failed",
  step: key(step),
  attempt: 1,
  failure: { class: "exit", message: "broke" },
  ...more,
});

/** The state after `run.created`, a claim and the given events; each claim among them raises the epoch. */
export function stateAfter(...bodies: readonly EventBody[]): RunState {
  return journalOf(...bodies)
    .slice(1)
    .reduce(evolve, initialState(journalOf()[0] as JournalEvent & { readonly type: "run.created" }));
}

/** Events as a journal has them, a millisecond apart, the epoch following the claims. */
export function journalOf(...bodies: readonly EventBody[]): readonly JournalEvent[] {
  let epoch = 0;
  return [created, claimed(1), ...bodies].flatMap((body, index) => {
    if (body.type === "lease.claimed") epoch = body.lease.epoch;
    return stamp([body], at(1_000 + index), epoch);
  });
}

/** What is decided, in words that a test can compare: `start build #2`, `record step.skipped lint`, `wait answers`. */
export const decides = (plan: Plan, state: RunState, now = at(1_000_000)): readonly string[] =>
  decide(plan, state, now).map(words);

function words(decision: Decision): string {
  switch (decision.kind) {
    case "record":
      return ["record", decision.event.type, "step" in decision.event ? decision.event.step : ""].join(" ").trim();
    case "start":
      return `start ${decision.key} #${decision.attempt}`;
    case "wait":
      return `wait ${decision.for}${decision.until === undefined ? "" : ` until ${decision.until}`}`;
    case "rest":
      return "rest";
  }
}
