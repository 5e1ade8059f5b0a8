import { describe, expect, it } from "vitest";
import { claudeEnvironment } from "../../../src/adapters/agent/claude-environment.ts";
import { agentEnvironment } from "../../../src/adapters/agent/environment.ts";

describe("the environment of an agent", () => {
  const passes = ["PATH", "HOME", "LANG", "LC_ALL", "LC_TIME", "TERM", "TMPDIR", "SHELL", "USER", "CI", "JAVA_HOME"];
  const network = ["https_proxy", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"];
  it.each([...passes, ...network, "ACME_KEY", "EXACT"])("A2 has %s of the host", (name) => {
    expect(agentEnvironment({ [name]: "value" }, ["ACME_*", "EXACT"], {})).toEqual({ [name]: "value" });
  });

  const ours = [
    "GITHUB_TOKEN",
    "GITHUB_ACTIONS",
    "GH_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
  ];
  const theirs = ["INPUT_TOKEN", "RUNNER_TEMP", "PERDURE_APP_KEY", "GIT_CONFIG_VALUE_0", "GIT_ASKPASS"];
  it.each([...ours, ...theirs])("A2 has no %s of the host, even when the agent's patterns name it", (name) => {
    expect(agentEnvironment({ [name]: "value" }, ["*", name], {})).toEqual({});
  });

  const unknown = [
    "NPM_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "DATABASE_URL",
    "NODE_OPTIONS",
    "SSH_AUTH_SOCK",
    "EXACTLY",
    "ACME",
  ];
  it.each(unknown)("A2 has no %s, which nobody named", (name) => {
    expect(agentEnvironment({ [name]: "value" }, ["ACME_*", "EXACT"], {})).toEqual({});
  });

  it("has what the task gives, over what the host has", () => {
    const given = { PERDURE_RUN: "run-1", LANG: "C", GREETING: "hi" };
    expect(agentEnvironment({ LANG: "de_DE", PERDURE_RUN: "host's", EMPTY: undefined }, [], given)).toEqual(given);
  });
});

describe("the environment of Claude Code", () => {
  const fixed = {
    CLAUDE_CODE_DISABLE_AUTO_MEMORY: "1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_MAX_RETRIES: "3",
    DISABLE_AUTOUPDATER: "1",
    PERDURE_IDEMPOTENCY_KEY: "run/step/1",
  };
  it("has its keys and settings, and what keeps it quiet", () => {
    const host = {
      ANTHROPIC_API_KEY: "k",
      CLAUDE_CONFIG_DIR: "/c",
      OPENAI_API_KEY: "no",
      CLAUDE_CODE_MAX_RETRIES: "7",
    };
    expect(claudeEnvironment(host, {}, "run/step/1")).toEqual({
      ...fixed,
      ANTHROPIC_API_KEY: "k",
      CLAUDE_CONFIG_DIR: "/c",
      CLAUDE_CODE_MAX_RETRIES: "7",
    });
  });

  it("has a cloud's credentials only when that cloud serves the model", () => {
    const host = { AWS_SECRET_ACCESS_KEY: "s", AWS_REGION: "eu-west-1", GOOGLE_CLOUD_PROJECT: "p" };
    expect(claudeEnvironment(host, {}, "run/step/1")).toEqual(fixed);
    const served = claudeEnvironment({ ...host, CLAUDE_CODE_USE_BEDROCK: "1" }, {}, "run/step/1");
    expect(served).toMatchObject({ AWS_SECRET_ACCESS_KEY: "s", AWS_REGION: "eu-west-1", CLAUDE_CODE_USE_BEDROCK: "1" });
    expect(served).not.toHaveProperty("GOOGLE_CLOUD_PROJECT");
  });

  it("does not make it the child of the session that started us", () => {
    const host = {
      CLAUDECODE: "1",
      CLAUDE_CODE_ENTRYPOINT: "cli",
      CLAUDE_CODE_SSE_PORT: "1",
      CLAUDE_CODE_SESSION_ID: "x",
    };
    expect(claudeEnvironment(host, {}, "run/step/1")).toEqual(fixed);
  });
});
