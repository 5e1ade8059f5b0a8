import type { Instant, StepKey } from "./brand.ts";
import type { Phase, Step } from "./definition.ts";
import type { EventBody } from "./event.ts";
import type { Plan } from "./plan.ts";
import type { RunState } from "./state.ts";

/** One thing that `decide` wants done. */
export type Decision =
  /** Bookkeeping that needs nothing outside: append it and decide again. */
  | { readonly kind: "record"; readonly event: EventBody }
  | { readonly kind: "start"; readonly key: StepKey; readonly step: Step; readonly attempt: number }
  | { readonly kind: "wait"; readonly for: WaitingFor; readonly until?: Instant }
  | { readonly kind: "rest" };

/** `steps`: some are running here; `answers`: a person must speak; `timer`: a retry is due at `until`. */
export type WaitingFor = "steps" | "answers" | "timer";

/** Everything a decision about one phase looks at. */
export interface View {
  readonly plan: Plan;
  readonly state: RunState;
  readonly now: Instant;
  readonly phase: Phase;
}

export const record = (event: EventBody): Decision => ({ kind: "record", event });
