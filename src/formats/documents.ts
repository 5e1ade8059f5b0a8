import type { ValueMap } from "../core/brand.ts";
import { type Contract, type Document, type DocumentName, documentNames } from "../core/document.ts";
import { ok, type Problem, problem, type Result, refuse } from "../core/problem.ts";
import { joinFrontMatter, splitFrontMatter } from "./front-matter.ts";
import { missingHeadings } from "./headings.ts";
import { inTextOrder, type Located } from "./located.ts";
import { checkSchema } from "./schema.ts";
import { parseYaml, writeYaml } from "./yaml.ts";

/** What differs from document to document beside its schema. */
interface Shape {
  readonly file: string;
  /** What later readers look for in the body. Their absence is a warning: it never fails a run. */
  readonly headings: readonly string[];
  /** A list whose entries are named by `id`: commands, answers and later attempts refer to it. */
  readonly identified?: string;
}

const shapes: Readonly<Record<DocumentName, Shape>> = {
  "task-input": { file: "task-input.yaml", headings: [] },
  "triage-plan": { file: "triage-plan.yaml", headings: [] },
  "user-responses": { file: "user-responses.md", headings: [] },
  state: {
    file: "state.md",
    headings: ["What I Completed", "Current State", "Decisions Made", "Next Steps", "Notes for Resume"],
  },
  feedback: { file: "feedback.md", headings: ["Questions for User"], identified: "questions" },
  "validation-strategy": {
    file: "validation-strategy.md",
    headings: ["Success Criteria", "Assumptions Being Validated"],
    identified: "checks",
  },
  "verification-results": { file: "verification-results.md", headings: ["Summary"], identified: "checks" },
  "assumption-analysis": {
    file: "assumption-analysis.md",
    headings: ["Problem Pattern", "Fixes Attempted", "Assumption Analysis", "Root Cause", "Recommended Solution"],
  },
  "recommended-fix": { file: "recommended-fix.md", headings: ["Steps", "Validation"] },
};

/**
 * The contract of each document (requirements C19): a `.yaml` document is its fields; a `.md` document is fields as
 * front matter and a body. Fields must fit the published schema; headings are only asked for.
 */
export const contracts: Readonly<Record<DocumentName, Contract>> = Object.fromEntries(
  documentNames.map((name) => [name, contractOf(name)]),
) as Record<DocumentName, Contract>;

function contractOf(name: DocumentName): Contract {
  const { file } = shapes[name];
  const hasBody = file.endsWith(".md");
  return {
    name,
    file,
    read: (text) => (hasBody ? readMarkdown(name, text) : readFields(name, text, "")),
    write: ({ fields, body }) => (hasBody ? joinFrontMatter(writeYaml(fields), body) : writeYaml(fields)),
  };
}

function readMarkdown(name: DocumentName, text: string): Result<Document> {
  const { file, headings } = shapes[name];
  const split = splitFrontMatter(text, file);
  if (!split.ok) return split;
  const { yaml, body, bodyLine } = split.value;
  const read = readFields(name, yaml, body);
  if (!read.ok) return read;
  const warnings = missingHeadings(body, headings).map((heading) => headingWarning(heading, file, bodyLine));
  return warnings.length > 0 ? { ...read, warnings } : read;
}

function readFields(name: DocumentName, text: string, body: string): Result<Document> {
  const parsed = parseYaml(text, shapes[name].file);
  if (!parsed.ok) return parsed;
  const problems = inTextOrder([...checkSchema(name, parsed.value), ...repeatedIds(name, parsed.value)]);
  if (problems.length > 0) return refuse(...problems);
  return ok({ fields: parsed.value.value as ValueMap, body });
}

/** Two entries of one id: the schema language cannot say this, and every later reader would mix them up. */
function repeatedIds(name: DocumentName, { value, place }: Located): readonly Problem[] {
  const { identified } = shapes[name];
  const list = identified === undefined ? undefined : (value as ValueMap | null)?.[identified];
  if (identified === undefined || !Array.isArray(list)) return [];
  const first = new Map<unknown, number>();
  return list.flatMap((entry: ValueMap | null, index) => {
    const id = entry?.["id"];
    const before = first.get(id);
    if (before === undefined) first.set(id, index);
    if (before === undefined || typeof id !== "string") return [];
    return problem("duplicate-id", `The id \`${id}\` stands here twice.`, {
      where: place([identified, index, "id"]),
      expected: "every id once",
      received: `first as ${identified}[${before}]`,
      fix: "Give one of the two another id.",
    });
  });
}

const headingWarning = (heading: string, file: string, line: number): Problem => ({
  ...problem("missing-heading", `The text has no heading \`${heading}\`.`, {
    where: { file, line },
    expected: `a line \`## ${heading}\``,
    fix: "Add the heading; what belongs under it may be one sentence.",
  }),
  severity: "warning",
});
