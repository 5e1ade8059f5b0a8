import type { Value } from "../core/brand.ts";
import type { Definition } from "../core/definition.ts";
import { type Result, refuse } from "../core/problem.ts";
import { compileDefinition } from "./definition-compile.ts";
import { checkSchema } from "./schema.ts";
import { parseYaml } from "./yaml.ts";

export interface ParsedDefinition {
  readonly definition: Definition;
  /** What the text says, as plain data: pinned beside it, so that a resume need not parse it again. */
  readonly data: Value;
}

/**
 * A YAML definition: its shape by the published schema, then every expression, template and duration compiled. One bad
 * step does not hide the next.
 */
export function parseDefinition(text: string, file: string): Result<ParsedDefinition> {
  const parsed = parseYaml(text, file);
  if (!parsed.ok) return parsed;
  const shape = checkSchema("definition", parsed.value);
  if (shape.length > 0) return refuse(...shape);
  const compiled = compileDefinition(parsed.value, file);
  return compiled.ok ? { ...compiled, value: { definition: compiled.value, data: parsed.value.value } } : compiled;
}
