import { ok, type Problem, problem, type Result, refuse } from "../core/problem.ts";
import { excerpt } from "./excerpt.ts";

/** A Markdown document in its two parts (requirements S2-041). */
export interface FrontMatter {
  /** The YAML between the two `---`, after as many empty lines as stand before it: its line numbers are the file's. */
  readonly yaml: string;
  /** What follows, without the one empty line that sets it off. */
  readonly body: string;
  /** The line that the body begins at, from 1. */
  readonly bodyLine: number;
}

const fence = /^---[ \t]*\r?$/u;

/** Takes a document apart. A byte order mark, Windows line ends and empty lines before the first `---` do no harm. */
export function splitFrontMatter(text: string, file: string): Result<FrontMatter> {
  const lines = (text.startsWith("\uFEFF") ? text.slice(1) : text).split("\n");
  const open = lines.findIndex((line) => line.trim() !== "");
  if (open < 0 || !fence.test(lines[open] ?? "")) return refuse(missing(lines, open, file));
  const close = lines.findIndex((line, index) => index > open && fence.test(line));
  if (close < 0) {
    return refuse(
      problem("unterminated-front-matter", "The front matter that begins here never ends.", {
        where: { file, line: open + 1, column: 1 },
        expected: "a second line `---` between the fields and the text",
        received: `${lines.length - open} lines without it`,
        fix: "Put a line `---` after the last field.",
      }),
    );
  }
  const second = duplicateAt(lines, close);
  if (second !== undefined) return refuse(duplicate({ first: open + 1, second: second + 1, file }));
  const fields = [...lines.slice(0, open + 1).map(() => ""), ...lines.slice(open + 1, close), ""].join("\n");
  const bodyStart = close + (isBlank(lines[close + 1]) && close + 2 < lines.length ? 2 : 1);
  return ok({
    yaml: fields.replaceAll("\r\n", "\n"),
    body: lines.slice(bodyStart).join("\n"),
    bodyLine: bodyStart + 1,
  });
}

/** Puts a document together so that `splitFrontMatter` gives the same two parts back. */
export const joinFrontMatter = (yaml: string, body: string): string =>
  `---\n${yaml.endsWith("\n") ? yaml : `${yaml}\n`}---\n${body === "" ? "" : `\n${body}`}`;

const isBlank = (line: string | undefined): boolean => line === "" || line === "\r";

function missing(lines: readonly string[], first: number, file: string): Problem {
  const line = lines[first] ?? "";
  return problem("missing-front-matter", `\`${file}\` does not begin with its fields.`, {
    where: { file, line: Math.max(first, 0) + 1, column: 1 },
    expected: "a line `---`, the fields as YAML, a line `---`, then the text",
    received: first < 0 ? "an empty file" : excerpt(line),
    fix: line.startsWith("```") ? "Take the code fence around the document away." : "Begin the file with `---`.",
  });
}

/** Where a second block of fields begins right after the first; a rule in the text (`---` alone) is none. */
function duplicateAt(lines: readonly string[], close: number): number | undefined {
  const next = lines.findIndex((line, index) => index > close && line.trim() !== "");
  if (next < 0 || !fence.test(lines[next] ?? "")) return undefined;
  const end = lines.findIndex((line, index) => index > next && fence.test(line));
  const inside = lines.slice(next + 1, Math.max(end, 0)).filter((line) => line.trim() !== "");
  return /^[A-Za-z_][\w-]*:(?:\s|$)/u.test(inside[0] ?? "") ? next : undefined;
}

const duplicate = ({
  first,
  second,
  file,
}: {
  readonly first: number;
  readonly second: number;
  readonly file: string;
}) =>
  problem("duplicate-front-matter", "A second block of fields begins here.", {
    where: { file, line: second, column: 1 },
    expected: "one block of fields, at the top",
    received: `the first at line ${first}`,
    fix: "Join the two blocks into the first.",
  });
