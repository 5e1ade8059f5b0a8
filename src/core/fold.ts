import type { StepKey } from "./brand.ts";
import type { JournalEvent } from "./event.ts";
import { applied, type Put } from "./evolve.ts";
import { nothingSpent } from "./spending.ts";
import type { RunState, StepState } from "./state.ts";

/** A state that events are folded into, one after the other. */
export interface Fold {
  /** The state so far. Its table of steps is the fold's own, and changes with it. */
  state(): RunState;
  apply(events: readonly JournalEvent[]): void;
}

/** Begins to fold events into a state, copying its table of steps once instead of once an event. */
export function foldFrom(start: RunState): Fold {
  let state: RunState = { ...start, steps: { ...start.steps } };
  return {
    state: () => state,
    apply(events) {
      for (const event of events) state = applied(state, event, putInPlace);
    },
  };
}

const putInPlace: Put = (steps, key, step) => {
  (steps as Record<StepKey, StepState>)[key] = step;
  return steps;
};

/** The state that a journal's first event gives; every other event is applied by `evolve`. */
export function initialState(event: JournalEvent & { readonly type: "run.created" }): RunState {
  return {
    run: event.run,
    spec: event.spec,
    status: "queued",
    definition: event.definition,
    task: event.task,
    inputs: event.inputs,
    trigger: event.trigger,
    agent: event.agent,
    agentConfig: event.agentConfig,
    base: event.base,
    head: event.base,
    epoch: event.epoch,
    createdAt: event.at,
    updatedAt: event.at,
    totalSteps: event.totalSteps,
    ...event.limits,
    steps: {},
    repeats: {},
    questions: [],
    notes: [],
    documents: {},
    checkpoints: [],
    effects: {},
    errors: [],
    spending: nothingSpent,
    outputs: {},
  };
}

/** A whole journal folded, or undefined when it does not begin with `run.created`. */
export function replay(events: readonly JournalEvent[]): RunState | undefined {
  const [first] = events;
  if (first?.type !== "run.created") return undefined;
  const fold = foldFrom(initialState(first));
  fold.apply(events.slice(1));
  return fold.state();
}
