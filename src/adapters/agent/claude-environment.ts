import { agentEnvironment, matches, type NamePattern } from "./environment.ts";

const passed: readonly NamePattern[] = [
  ...["ANTHROPIC_*", "CLAUDE_*", "API_TIMEOUT_MS", "DISABLE_PROMPT_CACHING*", "MAX_THINKING_TOKENS"],
  ...["BASH_DEFAULT_TIMEOUT_MS", "BASH_MAX_TIMEOUT_MS", "BASH_MAX_OUTPUT_LENGTH", "IS_SANDBOX"],
];

/** Credentials of a cloud that serves the model, only when it does. */
const clouds: Readonly<Record<string, readonly NamePattern[]>> = {
  CLAUDE_CODE_USE_BEDROCK: ["AWS_*"],
  CLAUDE_CODE_USE_VERTEX: ["GOOGLE_*", "CLOUDSDK_*", "CLOUD_ML_REGION", "VERTEX_*", "GCLOUD_PROJECT"],
  CLAUDE_CODE_USE_FOUNDRY: ["AZURE_*"],
};

/** How a Claude session tells its children about itself. Ours is nobody's child, even when one of them started us. */
const outer: readonly NamePattern[] = [
  ...["CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT", "CLAUDE_CODE_SESSION_*", "CLAUDE_CODE_CHILD_SESSION"],
  ...["CLAUDE_PROJECT_DIR", "CLAUDE_ENV_FILE", "CLAUDE_CODE_SIMPLE", "CLAUDE_CODE_SAFE_MODE"],
];

/** The variables that Claude Code gets. */
export function claudeEnvironment(
  host: Readonly<Record<string, string | undefined>>,
  given: Readonly<Record<string, string>>,
  key: string,
): Readonly<Record<string, string>> {
  const own = Object.fromEntries(Object.entries(host).filter(([name]) => !matches(name, outer)));
  const cloud = Object.entries(clouds).flatMap(([name, patterns]) => (own[name] ? patterns : []));
  return {
    // Ten tries with growing pauses are more than a minute of silence; the engine retries too, and says so.
    CLAUDE_CODE_MAX_RETRIES: "3",
    ...agentEnvironment(own, [...passed, ...cloud], given),
    DISABLE_AUTOUPDATER: "1",
    // What one run noted down must not speak to the next one on the same machine.
    CLAUDE_CODE_DISABLE_AUTO_MEMORY: "1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    PERDURE_IDEMPOTENCY_KEY: key,
  };
}
