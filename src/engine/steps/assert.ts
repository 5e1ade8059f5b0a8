import type { Action } from "../../core/definition.ts";
import { isTruthy } from "../../core/expression.ts";
import { scopeOf } from "../../core/scope.ts";
import type { Attempt, Outcome } from "../worker.ts";
import { completed, failed } from "./outcome.ts";

/** A condition that must hold. Whether a false one stops the run is the step's `on_failure`. */
export function performAssert(attempt: Attempt, action: Action & { type: "assert" }): Outcome {
  const { worker, key } = attempt;
  const scope = scopeOf(worker.kit.plan, worker.ledger.state(), key);
  const holds = action.condition.evaluate(scope);
  if (!holds.ok)
    return failed(attempt, {
      class: "contract",
      message: `\`${action.condition.source}\` cannot be evaluated: ${holds.message}`,
    });
  if (isTruthy(holds.value)) return completed(attempt, { outputs: { holds: true }, summary: "" });
  const message = action.message.render(scope);
  const text = message.ok && message.value !== "" ? message.value : `\`${action.condition.source}\` does not hold.`;
  return failed(attempt, { class: "verification", message: text });
}
