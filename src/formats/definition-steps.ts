import type { StepId, Value, ValueMap } from "../core/brand.ts";
import type { Action, Step } from "../core/definition.ts";
import { problem } from "../core/problem.ts";
import { defaultRetry, type FailureClass, type RetryPolicy } from "../core/retry.ts";
import type { Compiler } from "./definition-compiler.ts";
import type { Path } from "./located.ts";

export interface StepContext {
  readonly compiler: Compiler;
  /** The definition itself: `retry` and `timeout` at its top are defaults for every step. */
  readonly defaults: ValueMap;
}

const hour = 3_600_000;

/** A list of steps. `chain`: each waits for the one before it, written out as a dependency. */
export function compileSteps(
  context: StepContext,
  raw: readonly ValueMap[],
  at: { readonly path: Path; readonly chain: boolean },
): readonly Step[] {
  const ids = raw.map((step, index) => idOf(step, index));
  return raw.map((step, index) => {
    const path = [...at.path, index];
    const before = ids[index - 1];
    const needs = needsOf(step);
    if (at.chain && needs.some((need) => ids.indexOf(need) >= index)) {
      context.compiler.report(
        [...path, "depends_on"],
        problem("order", "A step of a sequential phase cannot depend on one that comes after it.", {
          fix: "Change the order, or the phase's type to dag.",
        }),
      );
    }
    return compileStep(context, step, {
      path,
      id: ids[index] as StepId,
      needs: at.chain && before ? [...new Set([before, ...needs])] : needs,
    });
  });
}

function compileStep(
  context: StepContext,
  raw: ValueMap,
  at: { readonly path: Path; readonly id: StepId; readonly needs: readonly StepId[] },
): Step {
  const { compiler, defaults } = context;
  const asks = raw["idempotent"] === false || raw["side_effects"] === "external";
  return {
    id: at.id,
    name: (raw["name"] ?? at.id) as string,
    action: actionOf(context, raw, at.path),
    needs: at.needs,
    ...(raw["when"] !== undefined && { when: compiler.expression(raw["when"], [...at.path, "when"]) }),
    retry: retryOf(compiler, raw["retry"] ?? defaults["retry"], [...at.path, "retry"]),
    timeoutMs: compiler.duration(raw["timeout"] ?? defaults["timeout"], [...at.path, "timeout"], hour),
    checkpoint: raw["checkpoint"] === true,
    onAmbiguous: (raw["on_ambiguous"] ?? (asks ? "pause" : "retry")) as Step["onAmbiguous"],
    onFailure: (raw["on_failure"] ?? "fail") as Step["onFailure"],
    outputs: Object.fromEntries(
      Object.entries((raw["outputs"] ?? {}) as ValueMap).map(([key, source]) => [
        key,
        compiler.expression(source, [...at.path, "outputs", key]),
      ]),
    ),
  };
}

/** The key that gives a step its type when `type` does not; every action also names the keys it cannot do without. */
const kinds = {
  shell: ["run"],
  agent: ["prompt"],
  skill: ["skill"],
  checks: ["from"],
  assert: ["condition"],
  approval: ["ask"],
  deliver: [],
  repeat: ["repeat", "steps"],
} as const satisfies Record<Action["type"], readonly string[]>;

function actionOf(context: StepContext, raw: ValueMap, path: Path): Action {
  const { compiler } = context;
  const inferred = (Object.keys(kinds) as Action["type"][]).find(
    (kind) => kinds[kind].length > 0 && kinds[kind].every((key) => raw[key] !== undefined),
  );
  const type = (raw["type"] as Action["type"] | undefined) ?? inferred;
  if (type === undefined) {
    compiler.report(
      path,
      problem("unknown-step-type", "The step does not say what it does.", {
        expected: "one of the keys run, prompt, skill, from, condition, ask, repeat, or `type: deliver`",
      }),
    );
  }
  for (const key of type ? kinds[type] : []) {
    if (raw[key] === undefined)
      compiler.report(path, problem("missing-key", `A \`${type}\` step needs \`${key}\`.`, { expected: key }));
  }
  const template = (key: string, fallback = "") => compiler.template(raw[key] ?? fallback, [...path, key]);
  const agent = raw["agent"] === undefined ? {} : { agent: raw["agent"] as string };
  const config = (raw["config"] ?? {}) as ValueMap;
  switch (type) {
    case "agent":
      return {
        type,
        prompt: template("prompt"),
        access: (raw["access"] ?? "write") as "read" | "write",
        config,
        ...agent,
      };
    case "skill":
      return { type, skill: (raw["skill"] ?? "") as string, config, ...agent };
    case "checks":
      return {
        type,
        from: "validation-strategy",
        ...(raw["interpret"] !== undefined && { interpret: raw["interpret"] as string }),
        ...agent,
      };
    case "assert":
      return {
        type,
        condition: compiler.expression(raw["condition"] ?? "true", [...path, "condition"]),
        message: template("message"),
      };
    case "approval":
      return { type, ask: template("ask"), context: template("context") };
    case "deliver":
      return { type, title: template("title", "{{ task.title }}"), branch: template("branch") };
    case "repeat":
      return repeatOf(context, raw, path);
    case "shell":
    case undefined: {
      const environment = Object.entries((raw["environment"] ?? {}) as ValueMap).map(
        ([key, value]) => [key, compiler.template(value, [...path, "environment", key])] as const,
      );
      return {
        type: "shell",
        run: compiler.command(raw["run"] ?? "", [...path, "run"]),
        environment: Object.fromEntries(environment),
      };
    }
  }
}

function repeatOf(context: StepContext, raw: ValueMap, path: Path): Action {
  const repeat = (raw["repeat"] ?? { until: "true", max: 1 }) as ValueMap;
  const escalate = repeat["escalate"] as ValueMap | undefined;
  for (const [index, step] of ((raw["steps"] ?? []) as readonly ValueMap[]).entries()) {
    if (step["depends_on"] !== undefined) {
      context.compiler.report(
        [...path, "steps", index, "depends_on"],
        problem("order", "Steps of a repeat run in the order they are written and depend on nothing else."),
      );
    }
  }
  return {
    type: "repeat",
    steps: compileSteps(context, (raw["steps"] ?? []) as readonly ValueMap[], {
      path: [...path, "steps"],
      chain: false,
    }),
    until: context.compiler.expression(repeat["until"] ?? "true", [...path, "repeat", "until"]),
    max: repeat["max"] as number,
    ...(escalate && {
      escalate: {
        after: escalate["after"] as number,
        steps: compileSteps(context, escalate["steps"] as readonly ValueMap[], {
          path: [...path, "repeat", "escalate", "steps"],
          chain: false,
        }),
      },
    }),
  };
}

/** `retry: 3` is three retries after the first try; `attempts` counts the first try too (requirements C13). */
function retryOf(compiler: Compiler, raw: Value | undefined, path: Path): RetryPolicy {
  if (raw === undefined) return defaultRetry;
  const everything: readonly FailureClass[] = ["infrastructure", "timeout", "contract", "exit"];
  if (typeof raw === "number") return { ...defaultRetry, attempts: raw + 1, on: everything };
  const policy = raw as ValueMap;
  return {
    attempts: (policy["attempts"] ?? defaultRetry.attempts) as number,
    delayMs: compiler.duration(policy["delay"], [...path, "delay"], defaultRetry.delayMs),
    backoff: (policy["backoff"] ?? defaultRetry.backoff) as RetryPolicy["backoff"],
    factor: (policy["factor"] ?? defaultRetry.factor) as number,
    maxDelayMs: compiler.duration(policy["max_delay"], [...path, "max_delay"], defaultRetry.maxDelayMs),
    jitter: (policy["jitter"] ?? defaultRetry.jitter) as number,
    on: (policy["on"] ?? everything) as readonly FailureClass[],
  };
}

const needsOf = (raw: ValueMap): readonly StepId[] => [raw["depends_on"] ?? []].flat() as unknown as readonly StepId[];

/** Its id, or one made from its name, or from what it does; the position keeps a nameless one unique. */
function idOf(raw: ValueMap, index: number): StepId {
  const named = raw["id"] ?? slug(raw["name"]) ?? slug(raw["skill"]) ?? `step-${index + 1}`;
  return named as string as StepId;
}

function slug(text: Value | undefined): string | undefined {
  if (typeof text !== "string") return undefined;
  const made = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 60);
  return /^[a-z]/.test(made) ? made : undefined;
}
