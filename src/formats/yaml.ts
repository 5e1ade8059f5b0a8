import { Composer, Document, LineCounter, type ParsedNode, Parser, visit, type YAMLError } from "yaml";
import type { ValueMap } from "../core/brand.ts";
import { ok, type Place, type Problem, problem, type Result, refuse } from "../core/problem.ts";
import type { Located } from "./located.ts";
import { syntaxProblem } from "./yaml-advice.ts";
import { readNodes } from "./yaml-nodes.ts";

const largestText = 1_000_000;
/** One slip makes a parser stumble over many lines after it; the first reports are the useful ones. */
const mostSyntaxProblems = 10;

/**
 * YAML 1.2 text to plain data with places, under the core schema: dates stay text, and `yes` is a word. Whatever the
 * text, the answer is a value or problems that say where; nothing is thrown (requirements S2-041, S2-124).
 */
export function parseYaml(text: string, file: string): Result<Located> {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  if (source.length > largestText) {
    return refuse(
      problem("too-large", `\`${file}\` is too large to be read.`, {
        where: { file },
        expected: `at most ${largestText} characters`,
        received: `${source.length} characters`,
        fix: "Keep bulky text in a file of its own and name that file here.",
      }),
    );
  }
  const nul = source.indexOf("\0");
  if (nul >= 0) return refuse(binaryText(source.slice(0, nul), file));
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  try {
    const [document, next] = firstTwo(source, lines);
    if (!document) return ok({ value: null, place: () => place(0) });
    const faults = syntaxProblems([...document.errors, ...document.warnings], source, place);
    if (faults.length > 0) return refuse(...faults);
    if (next) return refuse(manyDocuments(place(next.range[0])));
    return readNodes(document.contents, place);
  } catch (error) {
    return refuse(
      problem(
        "bad-yaml",
        `\`${file}\` cannot be read as YAML: ${error instanceof Error ? error.message : "unknown"}.`,
        {
          where: { file, line: 1 },
          fix: "Write the file again, in plain YAML: maps, lists and text.",
        },
      ),
    );
  }
}

/** Plain data as YAML that `parseYaml` reads back as the same data. Lines are never folded: diffs stay small. */
export function writeYaml(value: ValueMap): string {
  const document = new Document(value, { schema: "core", version: "1.2", aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === "string" && needsQuotes(node.value)) node.type = "QUOTE_DOUBLE";
    },
  });
  return document.toString({ lineWidth: 0, doubleQuotedAsJSON: true });
}

/**
 * Spaces at the ends of lines and odd breaks are lost or moved in YAML's block texts, and a byte order mark at the
 * beginning of any text; such text is quoted.
 */
const needsQuotes = (text: string): boolean =>
  text.includes("\uFEFF") || (text.includes("\n") && /[^\P{Cc}\n\t]|[ \t](?:\n|$)|^[ \t\n]/u.test(text));

function syntaxProblems(
  faults: readonly YAMLError[],
  source: string,
  place: (offset: number) => Place,
): readonly Problem[] {
  const byLine = new Map<number, Problem>();
  for (const fault of faults) {
    const where = place(fault.pos[0]);
    const line = where.line ?? 1;
    if (!byLine.has(line)) byLine.set(line, syntaxProblem(fault, source, where));
    if (byLine.size === mostSyntaxProblems) break;
  }
  return [...byLine.values()];
}

/** The first document of a text, and the second if there is one. Duplicate keys are looked for later, in linear time. */
function firstTwo(source: string, lines: LineCounter): readonly Document.Parsed<ParsedNode>[] {
  const composer = new Composer<ParsedNode>({
    schema: "core",
    version: "1.2",
    resolveKnownTags: false,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: "silent",
  });
  const documents: Document.Parsed<ParsedNode>[] = [];
  for (const document of composer.compose(new Parser(lines.addNewLine).parse(source), true, source.length)) {
    documents.push(document);
    if (documents.length === 2) break;
  }
  return documents;
}

const manyDocuments = (where: Place) =>
  problem("many-documents", "A second YAML document begins here.", {
    where,
    expected: "one document",
    received: "a line `---` that begins another",
    fix: "Take the line `---` out, or put what follows it into a file of its own.",
  });

function binaryText(before: string, file: string) {
  const lines = before.split("\n");
  return problem("binary-text", `\`${file}\` holds a NUL character, so it is not text.`, {
    where: { file, line: lines.length, column: (lines.at(-1) ?? "").length + 1 },
    expected: "UTF-8 text",
    fix: "Save the file as UTF-8 without binary content.",
  });
}
