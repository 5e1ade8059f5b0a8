import { ok, problem, type Result, refuse } from "../../core/problem.ts";
import { suggest } from "../../core/suggest.ts";
import type { Agent } from "../../ports/agent.ts";
import { claudeCodeAgent } from "./claude-code.ts";
import { commandAgent } from "./command.ts";
import type { AgentDependencies } from "./dependencies.ts";
import { scriptedAgent } from "./scripted.ts";

const factories: Readonly<Record<string, (dependencies: AgentDependencies) => Agent>> = {
  "claude-code": claudeCodeAgent,
  command: commandAgent,
  scripted: scriptedAgent,
};

/** The names that a definition may give as `agent`. */
export const agentNames: readonly string[] = Object.keys(factories);

/** The agent of that name, or the problem that there is none, with those there are. */
export function agentNamed(name: string, dependencies: AgentDependencies): Result<Agent> {
  const factory = Object.hasOwn(factories, name) ? factories[name] : undefined;
  if (factory) return ok(factory(dependencies));
  const near = suggest(name, agentNames);
  return refuse(
    problem("unknown-agent", `There is no agent \`${name}\`.`, {
      expected: agentNames.join(", "),
      received: name,
      fix: near === undefined ? "Name one of these agents." : `Did you mean \`${near}\`?`,
    }),
  );
}
