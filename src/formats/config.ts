import type { ValueMap } from "../core/brand.ts";
import { type Config, defaultConfig } from "../core/config.ts";
import { ok, type Result, refuse } from "../core/problem.ts";
import { checkSchema } from "./schema.ts";
import { parseYaml } from "./yaml.ts";

/** The text of a configuration file, checked, with everything filled in. */
export function parseConfig(text: string, file: string): Result<Config> {
  const parsed = parseYaml(text, file);
  if (!parsed.ok) return parsed;
  if (parsed.value.value === null) return ok(defaultConfig);
  const problems = checkSchema("config", parsed.value);
  if (problems.length > 0) return refuse(...problems);
  const raw = parsed.value.value as ValueMap;
  const limits = (raw["limits"] ?? {}) as ValueMap;
  return ok({
    defaultWorkflow: (raw["default_workflow"] ?? defaultConfig.defaultWorkflow) as string,
    agentConfig: (raw["agent_config"] ?? {}) as ValueMap,
    checkpointSeconds: (limits["checkpoint_seconds"] ?? defaultConfig.checkpointSeconds) as number,
    ...(typeof raw["agent"] === "string" && { agent: raw["agent"] }),
    ...(typeof limits["budget_usd"] === "number" && { usd: limits["budget_usd"] }),
    ...(typeof limits["auto_resume"] === "number" && { autoResume: limits["auto_resume"] }),
  });
}
