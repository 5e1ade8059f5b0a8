import type { Action } from "../../core/definition.ts";
import { scopeOf } from "../../core/scope.ts";
import type { Attempt, Outcome } from "../worker.ts";
import { failed } from "./outcome.ts";
import { nextQuestionId } from "./questions.ts";

/** Asks a person for a yes. The step waits, no worker does; `decide` takes the answer from there. */
export function performApproval(attempt: Attempt, action: Action & { type: "approval" }): Outcome {
  const { worker, key } = attempt;
  const state = worker.ledger.state();
  const scope = scopeOf(worker.kit.plan, state, key);
  const title = action.ask.render(scope);
  const context = action.context.render(scope);
  if (!title.ok)
    return failed(attempt, { class: "contract", message: `The question cannot be written: ${title.message}` });
  if (state.questions.some((question) => question.step === key && !question.answer)) return { bodies: [] };
  return {
    bodies: [
      {
        type: "question.asked",
        step: key,
        questions: [
          {
            id: nextQuestionId(state.questions, 0),
            title: title.value.trim(),
            priority: "blocking",
            approval: true,
            options: [{ value: "approve" }, { value: "reject" }],
            ...(context.ok && context.value.trim() !== "" && { context: context.value.trim() }),
          },
        ],
      },
    ],
  };
}
