import type { Action } from "../../core/definition.ts";
import { pullRequestText } from "../../core/pull-request.ts";
import { scopeOf } from "../../core/scope.ts";
import type { Attempt, Outcome } from "../worker.ts";
import { keptDocument } from "./exchange.ts";
import { failed } from "./outcome.ts";

/**
 * Hands the work over: an effect with a key, recorded before it is performed and looked up before it is repeated
 * (design: effects). The text of the pull request is kept with the run wherever the work goes.
 */
export async function performDeliver(attempt: Attempt, action: Action & { type: "deliver" }): Promise<Outcome> {
  const { worker, key } = attempt;
  const { ledger, kit, ports } = worker;
  const scope = scopeOf(kit.plan, ledger.state(), key);
  const title = action.title.render(scope);
  const branch = action.branch.render(scope);
  if (!title.ok || !branch.ok)
    return failed(attempt, { class: "contract", message: "The title or branch of the delivery cannot be written." });
  if (ledger.state().head === ledger.state().base)
    return failed(attempt, { class: "verification", message: "Nothing was changed, so there is nothing to deliver." });
  const text = pullRequestText({
    state: ledger.state(),
    title: title.value.trim(),
    work: await keptDocument(worker, "state"),
    results: await keptDocument(worker, "verification-results"),
    strategy: await keptDocument(worker, "validation-strategy"),
  });
  const { run, head, task } = ledger.state();
  const effect = `deliver/${run}`;
  if (!ledger.state().effects[effect]) {
    ledger.append([
      {
        type: "effect.requested",
        key: effect,
        step: key,
        request: { head, branch: branch.value.trim(), target: task.target },
      },
    ]);
    await ledger.fold();
  }
  const done = await ports.delivery.deliver({
    key: effect,
    run,
    head,
    branch: branch.value.trim(),
    target: task.target,
    ...text,
  });
  if (done.kind === "refused") return failed(attempt, { class: "refused", message: done.message });
  return {
    bodies: [
      { type: "effect.done", key: effect, result: done.result },
      {
        type: "step.completed",
        step: key,
        attempt: attempt.attempt,
        outputs: done.result,
        summary: done.summary,
        documents: [],
      },
    ],
    files: { "pull-request.md": `# ${text.title}\n\n${text.body}` },
    refs: done.refs,
  };
}
