import { createHash } from "node:crypto";
import type { Value, ValueMap } from "../core/brand.ts";
import { allSteps, type Definition } from "../core/definition.ts";
import type { DocumentName } from "../core/document.ts";
import type { Guide, Kit } from "../core/kit.ts";
import { planOf } from "../core/plan.ts";
import { ok, type Problem, problem, type Result, refuse } from "../core/problem.ts";
import type { Skill } from "../core/skill.ts";
import { compileDefinition } from "../formats/definition-compile.ts";
import { asset } from "./assets.ts";

/** A text and where people find it. */
export interface Source {
  readonly text: string;
  /** Relative to the repository, or `develop.yaml (shipped)`; never an absolute path (law J8). */
  readonly name: string;
}

/** Where a skill's text comes from: the repository's own, else the shipped one; for a run, what is pinned in it. */
export type FindSkill = (name: string) => Promise<Source | undefined>;

export interface Compiled {
  readonly definition: Definition;
  readonly kit: Kit;
  /** The texts that a new run pins: path on its branch to content. */
  readonly files: Readonly<Record<string, string>>;
  readonly hash: string;
  readonly warnings: readonly Problem[];
}

/** A definition with its skills, compiled and planned for inputs. Everything wrong with any of it is said at once. */
export async function compile(source: Source, inputs: ValueMap, findSkill: FindSkill): Promise<Result<Compiled>> {
  const { parseDefinition } = await import("../formats/definition-yaml.ts");
  const parsed = parseDefinition(source.text, source.name);
  if (!parsed.ok) return parsed;
  const { definition, data } = parsed.value;
  const files = { "workflow.yaml": source.text, [dataFile]: `${JSON.stringify(data)}\n` };
  return complete({ definition, inputs, findSkill, files, hash: hashOf(source.text), warnings: parsed.warnings ?? [] });
}

/**
 * What a run pinned, compiled again from the data that was checked when it was pinned: neither the YAML parser nor the
 * schemas are loaded, which is most of what a resume would wait for.
 */
export async function compilePinned(
  pinned: { readonly text: string; readonly data: string; readonly name: string },
  inputs: ValueMap,
  findSkill: FindSkill,
): Promise<Result<Compiled>> {
  const located = { value: JSON.parse(pinned.data) as Value, place: () => ({ file: pinned.name }) };
  const compiled = compileDefinition(located, pinned.name);
  if (!compiled.ok) return compiled;
  return complete({
    definition: compiled.value,
    inputs,
    findSkill,
    files: {},
    hash: hashOf(pinned.text),
    warnings: [],
  });
}

interface Parts {
  readonly definition: Definition;
  readonly inputs: ValueMap;
  readonly findSkill: FindSkill;
  readonly files: Readonly<Record<string, string>>;
  readonly hash: string;
  readonly warnings: readonly Problem[];
}

async function complete({ definition, inputs, findSkill, files, hash, warnings }: Parts): Promise<Result<Compiled>> {
  const plan = planOf(definition, inputs);
  const found = await skillsFor(definition, findSkill);
  if (!plan.ok || !found.ok) return refuse(...(plan.ok ? [] : plan.problems), ...(found.ok ? [] : found.problems));
  const { skills, texts } = found.value;
  const kit: Kit = { plan: plan.value, skills, contracts: await contractsFor(definition), guide };
  return ok({ definition, kit, files: { ...files, ...texts }, hash, warnings });
}

async function skillsFor(
  definition: Definition,
  findSkill: FindSkill,
): Promise<Result<{ readonly skills: ReadonlyMap<string, Skill>; readonly texts: Readonly<Record<string, string>> }>> {
  const names = skillsOf(definition);
  const skills = new Map<string, Skill>();
  const texts: Record<string, string> = {};
  const problems: Problem[] = [];
  const { parseSkill } = names.size > 0 ? await import("../formats/skill.ts") : { parseSkill: undefined };
  for (const name of names) {
    const found = await findSkill(name);
    const skill = found && parseSkill?.(found.text, found.name);
    if (!found) {
      const fix = `Write .github/perdure/skills/${name}.skill.yaml, or correct the name.`;
      problems.push(
        problem("unknown-skill", `\`${definition.name}\` uses the skill \`${name}\`, which is nowhere.`, { fix }),
      );
    } else if (skill?.ok) {
      skills.set(name, skill.value);
      texts[skillFile(name)] = found.text;
    } else problems.push(...(skill?.problems ?? []));
  }
  return problems.length > 0 ? refuse(...problems) : ok({ skills, texts });
}

/** The contracts bring the schemas with them; a definition without skills and checks never looks at one. */
async function contractsFor(definition: Definition): Promise<Kit["contracts"]> {
  const needed = allSteps(definition).some(
    ({ action }) => action.type === "skill" || action.type === "checks" || action.type === "deliver",
  );
  return needed ? (await import("../formats/documents.ts")).contracts : ({} as Kit["contracts"]);
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
/** The pinned definition as data, beside its text. */
export const dataFile = "definition.json";
export const skillFile = (name: string): string => `skills/${name}.skill.yaml`;

function skillsOf(definition: Definition): ReadonlySet<string> {
  const names = allSteps(definition).flatMap(({ action }) =>
    action.type === "skill"
      ? [action.skill]
      : action.type === "checks" && action.interpret !== undefined
        ? [action.interpret]
        : [],
  );
  return new Set(names);
}

/** The published schema and the example that an agent writes a document by. */
function guide(name: DocumentName): Guide {
  const example = [".yaml", ".md"]
    .map((ending) => asset(`examples/documents/${name}.valid${ending}`))
    .find((text) => text !== undefined);
  return { schema: asset(`schemas/${name}.schema.json`) ?? "{}", example: example ?? "" };
}
