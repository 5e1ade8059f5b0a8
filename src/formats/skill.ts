import type { ValueMap } from "../core/brand.ts";
import { type DocumentName, documentNames } from "../core/document.ts";
import type { Template } from "../core/expression.ts";
import { ok, type Place, type Problem, problem, type Result, refuse } from "../core/problem.ts";
import type { Skill, SkillDocument } from "../core/skill.ts";
import { suggest } from "../core/suggest.ts";
import { parseDuration } from "./duration.ts";
import { describe } from "./excerpt.ts";
import type { Located } from "./located.ts";
import { checkSchema } from "./schema.ts";
import { compileTemplate } from "./template.ts";
import { parseYaml } from "./yaml.ts";

const defaultTimeoutMs = 1_800_000;

/** A skill file, checked and compiled: `skills/NAME.skill.yaml` or a repository's own (requirements S2-019, S2-073). */
export function parseSkill(text: string, file: string): Result<Skill> {
  const parsed = parseYaml(text, file);
  if (!parsed.ok) return parsed;
  const problems = checkSchema("skill", parsed.value);
  if (problems.length > 0) return refuse(...problems);
  return skillOf(parsed.value, text);
}

/** The schema has said that the keys are there and of their kind. */
function skillOf(located: Located, source: string): Result<Skill> {
  const fields = located.value as ValueMap & {
    readonly name: string;
    readonly version: string;
    readonly description: string;
    readonly access: Skill["access"];
    readonly prompt: string;
    readonly tools?: readonly string[];
    readonly limits?: { readonly turns?: number; readonly usd?: number };
    readonly model?: string;
  };
  const problems: Problem[] = [];
  const inputs = documentsOf("inputs", located, problems);
  const outputs = documentsOf("outputs", located, problems);
  const timeoutMs = timeoutOf(located, problems);
  const prompt = promptOf(fields.prompt, { located, source, problems });
  if (problems.length > 0 || prompt === undefined) return refuse(...problems);
  const { name, version, description, access, tools = [], limits, model } = fields;
  const options = {
    ...(limits?.turns !== undefined && { turns: limits.turns }),
    ...(limits?.usd !== undefined && { usd: limits.usd }),
    ...(model !== undefined && { model }),
  };
  return ok({ name, version, description, access, tools, inputs, outputs, timeoutMs, ...options, prompt, source });
}

/** Names of documents, each once; a `?` at the end marks one that may be missing. */
function documentsOf(
  key: "inputs" | "outputs",
  { value, place }: Located,
  problems: Problem[],
): readonly SkillDocument[] {
  const entries = ((value as ValueMap)[key] ?? []) as readonly string[];
  const seen = new Set<DocumentName>();
  return entries.flatMap((entry, index) => {
    const word = entry.replace(/\?$/u, "");
    const name = documentNames.find((known) => known === word);
    const where = place([key, index]);
    if (name === undefined) problems.push(unknownDocument(entry, word, where));
    else if (seen.has(name))
      problems.push(problem("duplicate-document", `\`${name}\` stands here twice.`, { where, fix: "Take one out." }));
    if (name === undefined || seen.has(name)) return [];
    seen.add(name);
    return { name, required: word === entry };
  });
}

function unknownDocument(entry: string, word: string, where: Place): Problem {
  const near = suggest(word, documentNames);
  return problem("unknown-document", `There is no document \`${word}\`.`, {
    where,
    expected: `one of ${documentNames.join(", ")}`,
    received: describe(entry),
    fix: near ? `Did you mean \`${near}\`?` : "Write the name of a document without its ending.",
  });
}

function timeoutOf({ value, place }: Located, problems: Problem[]): number {
  const timeout = (value as ValueMap)["timeout"];
  if (timeout === undefined) return defaultTimeoutMs;
  const parsed = parseDuration(timeout);
  if (parsed.ok) return parsed.value;
  problems.push(...parsed.problems.map((found) => ({ ...found, where: place(["timeout"]) })));
  return defaultTimeoutMs;
}

interface PromptContext {
  readonly located: Located;
  readonly source: string;
  readonly problems: Problem[];
}

/** The prompt, compiled. Lines of a block text after `prompt: |` are counted through to the file's own. */
function promptOf(prompt: string, { located, source, problems }: PromptContext): Template | undefined {
  const compiled = compileTemplate(prompt);
  if (compiled.ok) return compiled.value;
  const key = located.place(["prompt"]);
  const head = source.split("\n")[(key.line ?? 1) - 1] ?? "";
  const isBlock = /^\s*prompt:\s*\|/u.test(head);
  for (const found of compiled.problems) {
    const line = (key.line ?? 1) + (isBlock ? (found.where?.line ?? 1) : 0);
    problems.push({ ...found, where: { ...key, line } });
  }
  return undefined;
}
