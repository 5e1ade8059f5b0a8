import type { Instant, ValueMap } from "../../core/brand.ts";
import type { EventBody, Failure } from "../../core/event.ts";
import { nextTry } from "../../core/retry.ts";
import type { Spending } from "../../core/spending.ts";
import type { Attempt, Outcome } from "../worker.ts";

export interface Completion {
  readonly outputs: ValueMap;
  readonly summary: string;
}

/** The plain good end of an attempt. */
export const completed = (attempt: Attempt, { outputs, summary }: Completion): Outcome => ({
  bodies: [{ type: "step.completed", step: attempt.key, attempt: attempt.attempt, outputs, summary, documents: [] }],
});

/** The bad end, with the instant of the next try when the step's policy allows one. */
export function failed(
  attempt: Attempt,
  failure: Failure,
  more: { readonly spending?: Spending; readonly warnings?: readonly string[] } = {},
): Outcome {
  const { worker, key, step } = attempt;
  if (failure.class === "interrupted") return interrupted(attempt, failure.message);
  const state = worker.ledger.state();
  const now: Instant = worker.ports.clock.now();
  const retryAt = nextTry(
    step.retry,
    (state.steps[key]?.failed ?? 0) + 1,
    failure.class,
    now,
    `${state.run}/${key}/${attempt.attempt}`,
  );
  const body: EventBody = {
    type: "step.failed",
    step: key,
    attempt: attempt.attempt,
    failure,
    ...(retryAt !== undefined && { retryAt }),
    ...(more.spending && { spending: more.spending }),
    ...(more.warnings && more.warnings.length > 0 && { warnings: more.warnings }),
  };
  return { bodies: [body] };
}

/** Stopped by a signal or a person: not the step's fault, and never counted against it. */
export const interrupted = (attempt: Attempt, cause: string): Outcome => ({
  bodies: [{ type: "step.interrupted", step: attempt.key, attempt: attempt.attempt, cause }],
});
