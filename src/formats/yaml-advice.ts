import type { ErrorCode, YAMLError } from "yaml";
import { type Place, type Problem, problem } from "../core/problem.ts";
import { excerpt } from "./excerpt.ts";

interface Advice {
  readonly code?: string;
  readonly what: string;
  readonly expected: string;
  readonly fix: string;
}

const quote = "Put the whole text in quotes, or write it as a block after `|`.";

/** What people mostly did when the parser says so. A code that is not here keeps the parser's own sentence. */
const advice: Partial<Record<ErrorCode, Advice>> = {
  BAD_ALIAS: {
    what: "A `*` or `&` begins an alias or anchor here.",
    expected: "text in quotes, or a name after it",
    fix: quote,
  },
  BAD_DQ_ESCAPE: {
    what: "The backslash in this double-quoted text means nothing.",
    expected: '\\n, \\t, \\", \\\\ or \\uXXXX',
    fix: "Write the backslash twice, or use single quotes.",
  },
  BAD_INDENT: {
    what: "The indentation does not match the lines before it.",
    expected: "entries of one map or list that begin in the same column",
    fix: "Indent every entry of the same map or list by the same number of spaces.",
  },
  BAD_SCALAR_START: {
    what: "This text begins with a character that YAML reserves.",
    expected: "text in quotes",
    fix: quote,
  },
  BLOCK_AS_IMPLICIT_KEY: {
    what: "A map or list begins where only text can stand.",
    expected: "one `key: value` in a line, or entries indented alike",
    fix: "Put text that holds `: ` in quotes; otherwise check the indentation of this line.",
  },
  MULTILINE_IMPLICIT_KEY: {
    what: "This line is neither `key: value` nor part of the text above it.",
    expected: "`key: value`, or text indented deeper than its key",
    fix: "Indent the text under `key: |`, or add the missing `: `.",
  },
  RESOURCE_EXHAUSTION: {
    code: "too-deep",
    what: "Maps and lists are nested too deeply.",
    expected: "at most 100 levels",
    fix: "Make the structure flatter.",
  },
  TAB_AS_INDENT: {
    code: "tab-indent",
    what: "A tab is used for indentation.",
    expected: "spaces",
    fix: "Replace the tab by two spaces for each level.",
  },
  TAG_RESOLVE_FAILED: {
    code: "unknown-tag",
    what: "A `!` begins a tag here, and this tag is not known.",
    expected: "plain values, or text in quotes",
    fix: quote,
  },
  UNEXPECTED_TOKEN: {
    what: "Something follows here that does not belong to the value.",
    expected: "the end of the value",
    fix: quote,
  },
};

/** A parser's complaint as a problem: the place, the line as it stands, and what to write instead. */
export function syntaxProblem(fault: YAMLError, source: string, where: Place): Problem {
  const known = /must .*end with a [\]}]/u.test(fault.message) ? unclosed : advice[fault.code];
  return problem(known?.code ?? "bad-yaml", known?.what ?? `${fault.message}.`, {
    where,
    expected: known?.expected ?? "YAML 1.2",
    received: excerpt(source.split("\n", where.line ?? 1).at(-1) ?? ""),
    fix: known?.fix ?? "Compare the line with the lines around it; when in doubt, put the text in quotes.",
  });
}

const unclosed: Advice = {
  what: "A `[` or `{` is not closed before this.",
  expected: "`]` or `}`",
  fix: "Close it, or put the text in quotes when the bracket is part of it.",
};
