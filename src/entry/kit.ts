import { createHash } from "node:crypto";
import type { ValueMap } from "../core/brand.ts";
import { allSteps, type Definition } from "../core/definition.ts";
import type { DocumentName } from "../core/document.ts";
import type { Guide, Kit } from "../core/kit.ts";
import { planOf } from "../core/plan.ts";
import { ok, type Problem, problem, type Result, refuse } from "../core/problem.ts";
import type { Skill } from "../core/skill.ts";
import { parseDefinition } from "../formats/definition-yaml.ts";
import { contracts } from "../formats/documents.ts";
import { parseSkill } from "../formats/skill.ts";
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
  const parsed = parseDefinition(source.text, source.name);
  if (!parsed.ok) return parsed;
  const definition = parsed.value;
  const plan = planOf(definition, inputs);
  const skills = new Map<string, Skill>();
  const files: Record<string, string> = { "workflow.yaml": source.text };
  const problems: Problem[] = plan.ok ? [] : [...plan.problems];
  for (const name of skillsOf(definition)) {
    const found = await findSkill(name);
    if (!found) {
      problems.push(
        problem("unknown-skill", `\`${source.name}\` uses the skill \`${name}\`, which is nowhere.`, {
          fix: `Write .github/perdure/skills/${name}.skill.yaml, or correct the name.`,
        }),
      );
      continue;
    }
    const skill = parseSkill(found.text, found.name);
    if (!skill.ok) problems.push(...skill.problems);
    else skills.set(name, skill.value);
    files[skillFile(name)] = found.text;
  }
  if (!plan.ok || problems.length > 0) return refuse(...problems);
  const hash = createHash("sha256").update(source.text).digest("hex");
  return ok({
    definition,
    kit: { plan: plan.value, skills, contracts, guide },
    files,
    hash,
    warnings: parsed.warnings ?? [],
  });
}

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
  const { file } = contracts[name];
  const ending = file.slice(file.lastIndexOf("."));
  return {
    schema: asset(`schemas/${name}.schema.json`) ?? "{}",
    example: asset(`examples/documents/${name}.valid${ending}`) ?? "",
  };
}
