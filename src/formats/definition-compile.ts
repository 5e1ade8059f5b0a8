import type { Value, ValueMap } from "../core/brand.ts";
import { type Definition, defaultLimits, type InputSpec, type Limits, type Phase } from "../core/definition.ts";
import { type Problem, problem, type Result, refuse } from "../core/problem.ts";
import { type Compiler, compilerOf } from "./definition-compiler.ts";
import { compileSteps } from "./definition-steps.ts";
import type { Located, Path } from "./located.ts";

/** The data of a definition whose shape was checked, compiled. All problems are gathered, each at its place. */
export function compileDefinition(located: Located, file: string): Result<Definition> {
  const compiler = compilerOf(located);
  const definition = definitionOf(compiler, located.value as ValueMap, stemOf(file));
  const errors = compiler.problems.filter((one) => one.severity === "error");
  const warnings = compiler.problems.filter((one) => one.severity === "warning");
  return errors.length > 0 ? refuse(...compiler.problems) : { ok: true, value: definition, warnings };
}

function definitionOf(compiler: Compiler, raw: ValueMap, stem: string): Definition {
  const name = (raw["name"] ?? raw["workflow"] ?? stem) as string;
  return {
    name,
    version: versionOf(compiler, raw["version"]),
    description: (raw["description"] ?? "") as string,
    inputs: mapOf(raw["inputs"], (spec, key) => inputOf(compiler, spec as ValueMap, ["inputs", key])),
    outputs: mapOf(raw["outputs"], (source, key) => compiler.expression(source, ["outputs", key])),
    environment: mapOf(raw["environment"], (source, key) => compiler.template(source, ["environment", key])),
    passEnvironment: (raw["pass_environment"] ?? []) as readonly string[],
    limits: limitsOf(raw["limits"] as ValueMap | undefined),
    phases: phasesOf(compiler, raw),
  };
}

function phasesOf(compiler: Compiler, raw: ValueMap): readonly Phase[] {
  const whole: ValueMap = { ...raw, name: "main" };
  const phases = (raw["phases"] as readonly ValueMap[] | undefined) ?? (raw["steps"] ? [whole] : []);
  if (phases.length === 0)
    compiler.report([], problem("missing-key", "The definition has no steps.", { expected: "`phases` or `steps`" }));
  if (raw["phases"] && raw["steps"])
    compiler.report(["steps"], problem("two-forms", "A definition has `phases` or `steps`, not both."));
  const names = new Set<string>();
  return phases.map((phase, index) => {
    const path: Path = raw["phases"] ? ["phases", index] : [];
    const id = phase["name"] as string;
    if (names.has(id))
      compiler.report([...path, "name"], problem("duplicate-phase", `Two phases are called \`${id}\`.`));
    names.add(id);
    const steps = phase["steps"] as readonly ValueMap[];
    const ordered =
      (phase["type"] as string | undefined) ??
      (steps.some((step) => step["depends_on"] !== undefined) ? "dag" : "sequential");
    return {
      id,
      order: ordered === "sequential" ? "sequential" : "parallel",
      maxConcurrent: ordered === "sequential" ? 1 : ((phase["max_concurrent"] as number | undefined) ?? 4),
      failFast: ((phase["fail_fast"] ?? raw["fail_fast"]) as boolean | undefined) ?? true,
      steps: compileSteps({ compiler, defaults: raw }, steps, {
        path: [...path, "steps"],
        chain: ordered === "sequential",
      }),
    };
  });
}

function inputOf(compiler: Compiler, spec: ValueMap, path: Path): InputSpec {
  const pattern = spec["pattern"] as string | undefined;
  if (pattern !== undefined && !isPattern(pattern)) compiler.report([...path, "pattern"], badPattern(pattern));
  return {
    type: (spec["type"] ?? "string") as InputSpec["type"],
    description: (spec["description"] ?? "") as string,
    required: spec["required"] === true,
    ...(spec["default"] !== undefined && { default: spec["default"] }),
    ...(pattern !== undefined && isPattern(pattern) && { pattern }),
    ...(typeof spec["min"] === "number" && { min: spec["min"] }),
    ...(typeof spec["max"] === "number" && { max: spec["max"] }),
    ...(Array.isArray(spec["options"]) && { options: spec["options"] as readonly Value[] }),
  };
}

/**
 * A pattern comes from whoever wrote the definition and meets text from whoever gives the input, so one that can take
 * exponential time (a repeated group that repeats inside) is refused.
 */
function isPattern(pattern: string): boolean {
  if (/\([^)]*[+*}][^)]*\)[+*{]/.test(pattern)) return false;
  try {
    return new RegExp(pattern, "u") instanceof RegExp;
  } catch {
    return false;
  }
}

const badPattern = (pattern: string): Problem =>
  problem("bad-pattern", "The pattern is no regular expression that is safe to use.", {
    received: pattern,
    fix: "Avoid a repeated group that itself repeats, such as (a+)+.",
  });

function versionOf(compiler: Compiler, raw: Value | undefined): string {
  if (typeof raw === "number") {
    compiler.report(["version"], {
      ...problem("unquoted-version", "The version is read as a number.", {
        received: String(raw),
        fix: `Write version: "${raw}.0.0" with quotes.`,
      }),
      severity: "warning",
    });
    return String(raw);
  }
  return typeof raw === "string" ? raw : "0.0.0";
}

const limitsOf = (raw: ValueMap | undefined): Limits => ({
  autoResume: typeof raw?.["auto_resume"] === "number" ? raw["auto_resume"] : defaultLimits.autoResume,
  ...(typeof raw?.["budget_usd"] === "number" && { usd: raw["budget_usd"] }),
});

const mapOf = <T>(raw: Value | undefined, each: (value: Value, key: string) => T): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries((raw ?? {}) as ValueMap).map(([key, value]) => [key, each(value, key)]));

/** The name that a file gives when the definition gives none: `01_release_workflow.yaml` is `release`. */
const stemOf = (file: string): string =>
  (file.split("/").at(-1) ?? file)
    .replace(/\.(?:ya?ml|md)$/, "")
    .replace(/^\d+_/, "")
    .replace(/_workflow$/, "")
    .replaceAll("_", "-")
    .toLowerCase();
