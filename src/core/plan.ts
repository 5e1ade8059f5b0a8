import type { StepId, Value, ValueMap } from "./brand.ts";
import type { Definition, InputSpec, Phase, Step } from "./definition.ts";
import { ok, type Problem, problem, type Result, refuse } from "./problem.ts";

/** A definition resolved for given inputs: what `decide` walks over. The same definition and inputs give the same plan. */
export interface Plan {
  readonly definition: Definition;
  readonly inputs: ValueMap;
  readonly phases: readonly Phase[];
  readonly nodes: ReadonlyMap<StepId, PlanNode>;
}

export interface PlanNode {
  readonly step: Step;
  /** The ordinal that people may use for the id, from 1, in the order the steps are written. */
  readonly index: number;
  readonly phase: Phase;
  /** The repeat it stands in, and whether it is part of the body or of the escalation. */
  readonly inside?: { readonly repeat: StepId; readonly role: "body" | "escalation" };
}

/** Resolves a definition for inputs, or says everything that stands in the way. */
export function planOf(definition: Definition, given: ValueMap): Result<Plan> {
  const inputs = resolveInputs(definition, given);
  const nodes = new Map<StepId, PlanNode>();
  const problems: Problem[] = inputs.ok ? [] : [...inputs.problems];
  const place = (step: Step, phase: Phase, inside?: PlanNode["inside"]): void => {
    if (nodes.has(step.id))
      problems.push(
        problem("duplicate-step", `Two steps are called \`${step.id}\`.`, { fix: "Give each step an id of its own." }),
      );
    nodes.set(step.id, { step, index: nodes.size + 1, phase, ...(inside && { inside }) });
    if (step.action.type !== "repeat") return;
    if (inside)
      problems.push(
        problem("nested-repeat", `\`${step.id}\` repeats inside \`${inside.repeat}\`.`, {
          fix: "Move the inner repeat into a phase of its own.",
        }),
      );
    for (const inner of step.action.escalate?.steps ?? []) place(inner, phase, { repeat: step.id, role: "escalation" });
    for (const inner of step.action.steps) place(inner, phase, { repeat: step.id, role: "body" });
  };
  for (const phase of definition.phases) for (const step of phase.steps) place(step, phase);
  problems.push(...danglingNeeds(definition), ...cycles(definition));
  if (problems.length > 0 || !inputs.ok) return refuse(...problems);
  return ok({ definition, inputs: inputs.value, phases: definition.phases, nodes });
}

function danglingNeeds(definition: Definition): readonly Problem[] {
  const before = new Set<StepId>();
  return definition.phases.flatMap((phase) => {
    for (const step of phase.steps) before.add(step.id);
    return phase.steps.flatMap((step) =>
      step.needs
        .filter((need) => !before.has(need))
        .map((need) =>
          problem(
            "unknown-step",
            `\`${step.id}\` depends on \`${need}\`, which is no step of this or an earlier phase.`,
            {
              expected: `one of ${[...before].join(", ")}`,
              received: need,
            },
          ),
        ),
    );
  });
}

/** Depth-first; a cycle is named with its whole path, in the order a reader would follow it. */
function cycles(definition: Definition): readonly Problem[] {
  const steps = new Map(definition.phases.flatMap((phase) => phase.steps.map((step) => [step.id, step] as const)));
  const done = new Set<StepId>();
  const found: Problem[] = [];
  const visit = (id: StepId, path: readonly StepId[]): void => {
    if (done.has(id)) return;
    const seen = path.indexOf(id);
    if (seen >= 0) {
      found.push(
        problem("cycle", `Steps wait for each other: ${[...path.slice(seen), id].join(" → ")}.`, {
          fix: "Remove one of these dependencies.",
        }),
      );
      return;
    }
    for (const need of steps.get(id)?.needs ?? []) visit(need, [...path, id]);
    done.add(id);
  };
  for (const id of steps.keys()) visit(id, []);
  return found;
}

/** Defaults filled in, types and limits checked; an input nobody declared is refused by name. */
export function resolveInputs(definition: Pick<Definition, "inputs" | "name">, given: ValueMap): Result<ValueMap> {
  const problems: Problem[] = Object.keys(given)
    .filter((name) => !Object.hasOwn(definition.inputs, name))
    .map((name) =>
      problem("unknown-input", `\`${definition.name}\` has no input \`${name}\`.`, {
        expected: Object.keys(definition.inputs).join(", ") || "no inputs",
        received: name,
      }),
    );
  const values: Record<string, Value> = {};
  for (const [name, spec] of Object.entries(definition.inputs)) {
    const value = given[name] ?? spec.default;
    if (value === undefined || value === null) {
      if (spec.required)
        problems.push(
          problem("missing-input", `The input \`${name}\` is required.`, {
            expected: spec.type,
            fix: `Add --${name} VALUE.`,
          }),
        );
      else values[name] = null;
      continue;
    }
    const read = readInput(spec, value);
    const wrong = read === undefined ? `a ${spec.type}` : unfit(spec, read);
    if (wrong !== undefined)
      problems.push(
        problem("bad-input", `The input \`${name}\` does not fit.`, {
          expected: wrong,
          received: JSON.stringify(value),
        }),
      );
    else if (read !== undefined) values[name] = read;
  }
  return problems.length > 0 ? refuse(...problems) : ok(values);
}

/** Text from a command line or comment is read as the declared type. */
function readInput(spec: InputSpec, value: Value): Value | undefined {
  switch (spec.type) {
    case "string":
      return typeof value === "object" ? undefined : String(value);
    case "number": {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      return typeof number === "number" && Number.isFinite(number) ? number : undefined;
    }
    case "boolean":
      return value === true || value === "true" ? true : value === false || value === "false" ? false : undefined;
    case "array":
      return Array.isArray(value)
        ? value
        : typeof value === "string"
          ? value.split(",").map((item) => item.trim())
          : undefined;
    case "object":
      return typeof value === "object" && !Array.isArray(value) ? value : undefined;
  }
}

function unfit(spec: InputSpec, value: Value): string | undefined {
  if (spec.options && !spec.options.some((option) => option === value))
    return `one of ${spec.options.map(String).join(", ")}`;
  if (typeof value === "number" && spec.min !== undefined && value < spec.min) return `at least ${spec.min}`;
  if (typeof value === "number" && spec.max !== undefined && value > spec.max) return `at most ${spec.max}`;
  if (typeof value === "string" && spec.pattern !== undefined && !new RegExp(spec.pattern, "u").test(value))
    return `text matching ${spec.pattern}`;
  return undefined;
}
