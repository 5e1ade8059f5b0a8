import { type StepKey, unreachable, type ValueMap } from "../../core/brand.ts";
import type { Action } from "../../core/definition.ts";
import type { Template } from "../../core/expression.ts";
import { scopeOf } from "../../core/scope.ts";
import type { Tree } from "../../ports/workspace.ts";
import type { Attempt, Outcome, Worker } from "../worker.ts";
import { failed } from "./outcome.ts";
import { workCompleted } from "./work.ts";

/** A command of the definition, in the run's work tree. What it changes there becomes a commit of the step. */
export async function performShell(attempt: Attempt, action: Action & { type: "shell" }, tree: Tree): Promise<Outcome> {
  const { worker, key, step, signal } = attempt;
  const command = action.run.render(scopeOf(worker.kit.plan, worker.ledger.state(), key));
  if (!command.ok)
    return failed(attempt, { class: "contract", message: `The command cannot be written: ${command.message}` });
  const ended = await runCommand(
    worker,
    key,
    {
      command: command.value.line,
      values: command.value.environment,
      directory: tree.directory,
      timeoutMs: step.timeoutMs,
      environment: action.environment,
    },
    signal,
  );
  if (ended.kind !== "exited")
    return failed(attempt, { class: ended.class, message: ended.message, detail: ended.output });
  if (ended.code !== 0)
    return failed(attempt, {
      class: "exit",
      message: `The command ended with code ${ended.code}.`,
      detail: ended.output,
    });
  const outputs: ValueMap = { exit_code: 0, stdout: ended.stdout.trimEnd() };
  return workCompleted(attempt, tree, { outputs, summary: "", subject: step.name });
}

export interface CommandSpec {
  readonly command: string;
  readonly directory: string;
  readonly timeoutMs: number;
  readonly environment?: Readonly<Record<string, Template>>;
  /** Values that the command names, as they are. */
  readonly values?: Readonly<Record<string, string>>;
}

export type CommandEnd =
  | {
      readonly kind: "exited";
      readonly code: number;
      readonly stdout: string;
      readonly output: string;
      readonly ms: number;
    }
  | {
      readonly kind: "ended";
      readonly class: "timeout" | "infrastructure" | "interrupted";
      readonly message: string;
      readonly output: string;
      readonly ms: number;
    };

/** One shell command in its own process group, with only the allowed environment, its output redacted. */
export async function runCommand(
  worker: Worker,
  key: StepKey,
  spec: CommandSpec,
  signal: AbortSignal,
): Promise<CommandEnd> {
  const { ports, ledger, kit, policy } = worker;
  const scope = scopeOf(kit.plan, ledger.state(), key);
  const rendered = Object.entries({ ...kit.plan.definition.environment, ...spec.environment }).flatMap(
    ([name, template]) => {
      const value = template.render(scope);
      return value.ok ? [[name, value.value] as const] : [];
    },
  );
  const passed = kit.plan.definition.passEnvironment.flatMap((name) => {
    const value = ports.environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const started = ports.clock.now();
  const ended = await ports.processes.run(
    {
      command: ["/bin/sh", "-c", spec.command],
      directory: spec.directory,
      environment: {
        ...shellEnvironment(ports.environment),
        ...Object.fromEntries([...passed, ...rendered]),
        ...spec.values,
        PERDURE_IDEMPOTENCY_KEY: `${ledger.run}/${key}`,
      },
      timeoutMs: spec.timeoutMs,
      graceMs: policy.graceMs,
      slot: spec.directory,
    },
    signal,
    ({ stream, text }) => worker.watch.live(key, { doing: spec.command, log: `${stream}: ${text}` }),
  );
  const stdout = await ports.vault.redact(ended.stdout);
  const output = [stdout, await ports.vault.redact(ended.stderr)].filter((text) => text !== "").join("\n");
  const common = { output, ms: ports.clock.now() - started };
  switch (ended.how.kind) {
    case "exited":
      return { kind: "exited", code: ended.how.code, stdout, ...common };
    case "killed":
      return {
        kind: "ended",
        class: "infrastructure",
        message: `The command was killed by ${ended.how.signal}.`,
        ...common,
      };
    case "timed-out":
      return {
        kind: "ended",
        class: "timeout",
        message: `The command took longer than ${Math.round(spec.timeoutMs / 1000)} s and was stopped.`,
        ...common,
      };
    case "aborted":
      return { kind: "ended", class: "interrupted", message: "The command was stopped.", ...common };
    case "not-started":
      return {
        kind: "ended",
        class: "infrastructure",
        message: `The shell could not be started: ${ended.how.reason}.`,
        ...common,
      };
    default:
      return unreachable(ended.how);
  }
}

/** What commands need to find their tools, and nothing that could be a secret of ours. */
const shellNames = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TERM", "TMPDIR", "SHELL", "CI", "NODE_OPTIONS"] as const;
export const shellEnvironment = (
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    shellNames.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name] as string]])),
  );
