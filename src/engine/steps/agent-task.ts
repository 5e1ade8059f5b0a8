import type { Contract } from "../../core/document.ts";
import { idOfKey } from "../../core/event.ts";
import type { Skill } from "../../core/skill.ts";
import { addSpending, nothingSpent, type Spending } from "../../core/spending.ts";
import type { Agent, AgentResult, AgentSession, AgentTask } from "../../ports/agent.ts";
import type { Tree } from "../../ports/workspace.ts";
import type { Attempt } from "../worker.ts";
import { inFolder, outFolder } from "./exchange.ts";

/** The path on the run's branch where the session of a step is kept. */
export const sessionPath = (key: string): string => `sessions/${key}.gz`;

export interface Assignment {
  readonly agent: Agent;
  readonly skill: Pick<Skill, "name" | "access" | "tools" | "outputs" | "turns" | "usd" | "model">;
  readonly visit: number;
  readonly prompt: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly session?: AgentSession;
}

/** Runs an agent on an assignment, with what is left of the run's budget, and shows what it does while it does it. */
export async function runAgent(attempt: Attempt, tree: Tree, assignment: Assignment): Promise<AgentResult> {
  const { worker, key, step, signal } = attempt;
  const { agent, skill, visit, prompt, session } = assignment;
  const state = worker.ledger.state();
  const limit = state.usd ?? worker.kit.plan.definition.limits.usd;
  const left = limit === undefined ? undefined : Math.max(0, limit - state.spending.usd);
  const usd = Math.min(left ?? Number.POSITIVE_INFINITY, skill.usd ?? Number.POSITIVE_INFINITY);
  const task: AgentTask = {
    key: `${state.run}/${idOfKey(key)}/${visit}`,
    skill: skill.name,
    visit,
    prompt,
    directory: tree.directory,
    inputs: inFolder,
    outputs: outFolder,
    contracts: skill.outputs.map(({ name, required }) => ({ contract: contractOf(attempt, name), required })),
    access: skill.access,
    tools: skill.tools,
    environment: {},
    limits: {
      timeoutMs: step.timeoutMs,
      ...(skill.turns !== undefined && { turns: skill.turns }),
      ...(Number.isFinite(usd) && { usd }),
    },
    graceMs: worker.policy.graceMs,
    config: assignment.config,
    ...(skill.model !== undefined && { model: skill.model }),
    ...(session && { session }),
  };
  let spending: Spending = nothingSpent;
  let doing = `${skill.name} (${agent.label})`;
  worker.sessions.set(key, async () => agent.snapshot?.(task));
  const result = await agent.run(task, signal, (progress) => {
    if (progress.kind === "doing") doing = progress.text;
    if (progress.kind === "spent") spending = progress.spending;
    worker.watch.live(key, {
      doing,
      spending,
      ...(progress.kind === "percent" && { percent: progress.percent }),
      ...(progress.kind === "log" && { log: `${progress.stream}: ${progress.line}` }),
      ...(progress.kind === "doing" && { log: progress.text }),
    });
  });
  const kept = result.session;
  if (kept) worker.sessions.set(key, async () => kept);
  return result;
}

const contractOf = (attempt: Attempt, name: Contract["name"]): Contract => attempt.worker.kit.contracts[name];

export const bothSpendings = (results: readonly AgentResult[]): Spending =>
  results.reduce((sum, result) => addSpending(sum, result.spending), nothingSpent);
