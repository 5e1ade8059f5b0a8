import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Value, ValueMap } from "../../core/brand.ts";
import type { Config } from "../../core/config.ts";
import { ProblemError, problem } from "../../core/problem.ts";
import type { Options } from "./common.ts";

/** Words after the workflow's name as its inputs: `env=staging`, `--env staging`, `--env=staging`, `--fix`. */
export function inputsFrom(words: readonly string[]): ValueMap {
  const inputs: Record<string, Value> = {};
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    const pair = /^(?:--)?([A-Za-z][\w-]*)=(.*)$/s.exec(word);
    const flag = /^--([A-Za-z][\w-]*)$/.exec(word);
    if (pair?.[1] !== undefined) inputs[pair[1]] = pair[2] ?? "";
    else if (flag?.[1] !== undefined) {
      const next = words[index + 1];
      const hasValue = next !== undefined && !next.startsWith("--");
      inputs[flag[1]] = hasValue ? next : true;
      if (hasValue) index += 1;
    } else
      throw new ProblemError(
        problem("unclear-input", `It is not clear which input \`${word}\` is for.`, {
          expected: "name=value or --name value",
          received: word,
        }),
      );
  }
  return inputs;
}

/** The agent that was asked for, else the configured one, else Claude Code where it is installed. */
export async function chosenAgent(
  config: Config,
  options: Options,
  isInstalled: (program: string) => boolean,
): Promise<{ readonly agent: string; readonly agentConfig: ValueMap }> {
  const script = options["script"];
  const agent =
    typeof options["agent"] === "string"
      ? options["agent"]
      : typeof script === "string"
        ? "scripted"
        : (config.agent ?? "claude-code");
  const agentConfig: ValueMap = {
    ...(config.agent === agent || config.agent === undefined ? config.agentConfig : {}),
    ...pairs(options["agentConfig"]),
    ...(typeof script === "string" && { script: await recording(script) }),
  };
  if (agent === "claude-code" && agentConfig["command"] === undefined && !isInstalled("claude")) {
    throw new ProblemError(
      problem("agent-missing", "Claude Code is not installed, and no other agent was chosen.", {
        expected: "`claude` on PATH",
        fix: "npm install -g @anthropic-ai/claude-code, or --agent command --agent-config command=./my-agent",
      }),
    );
  }
  return { agent, agentConfig };
}

/** The recording itself goes into the run, so that a resume on another machine finds it. */
async function recording(file: string): Promise<Value> {
  if (!existsSync(resolve(file))) throw new ProblemError(problem("no-file", `The script \`${file}\` is not there.`));
  const { parseYaml } = await import("../../formats/yaml.ts");
  const parsed = parseYaml(readFileSync(resolve(file), "utf8"), basename(file));
  if (!parsed.ok) throw new ProblemError(...parsed.problems);
  return parsed.value.value;
}

function pairs(given: string | boolean | undefined): ValueMap {
  if (typeof given !== "string") return {};
  return Object.fromEntries(
    given.split("\n").map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1)
        throw new ProblemError(
          problem("bad-option", "An agent's configuration is given as key=value.", { received: pair }),
        );
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
