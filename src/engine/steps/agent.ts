import type { Action } from "../../core/definition.ts";
import { visitOfKey } from "../../core/event.ts";
import { scopeOf } from "../../core/scope.ts";
import type { Tree } from "../../ports/workspace.ts";
import type { Attempt, Outcome } from "../worker.ts";
import { runAgent } from "./agent-task.ts";
import { failed } from "./outcome.ts";
import { escapes } from "./outside.ts";
import { restoreSession } from "./session.ts";
import { workCompleted } from "./work.ts";

/** A free prompt for an agent, without documents: its last words are the output, its edits the commit. */
export async function performAgent(attempt: Attempt, action: Action & { type: "agent" }, tree: Tree): Promise<Outcome> {
  const { worker, key, step } = attempt;
  const state = worker.ledger.state();
  const agent = worker.ports.agent(action.agent ?? state.agent);
  if (!agent.ok) return failed(attempt, { class: "refused", message: agent.problems.map((p) => p.what).join(" ") });
  const prompt = action.prompt.render(scopeOf(worker.kit.plan, state, key));
  if (!prompt.ok)
    return failed(attempt, { class: "contract", message: `The prompt cannot be written: ${prompt.message}` });
  const before = await tree.outside();
  const { session, warnings: restoring } = await restoreSession(worker, agent.value, state.steps[key]);
  const skill = { name: step.id, access: action.access, tools: [], outputs: [] };
  const config = { ...state.agentConfig, ...action.config };
  const result = await runAgent(attempt, tree, {
    agent: agent.value,
    skill,
    visit: visitOfKey(key),
    prompt: prompt.value,
    config,
    ...(session && { session }),
  });
  const warnings = [...restoring, ...result.warnings, ...escapes(before, await tree.outside())];
  if (result.outcome.kind === "failed") {
    const message = await worker.ports.vault.redact(result.outcome.message);
    const { detail: raw } = result.outcome;
    const detail = raw === undefined ? {} : { detail: await worker.ports.vault.redact(raw) };
    return failed(
      attempt,
      { class: result.outcome.class, message, ...detail },
      { spending: result.spending, warnings },
    );
  }
  if (action.access === "read") await tree.reset(state.head);
  const response = await worker.ports.vault.redact(result.outcome.text);
  const outcome = await workCompleted(attempt, tree, { outputs: { response }, summary: "", subject: step.name });
  return {
    ...outcome,
    bodies: outcome.bodies.map((body) =>
      body.type === "step.completed" ? { ...body, spending: result.spending, warnings } : body,
    ),
  };
}
