import type { AgentTask } from "../../ports/agent.ts";

/** A list of words of the step's configuration, `absent` when there is none; undefined when it is something else. */
export function wordsOf(
  config: AgentTask["config"],
  key: string,
  absent: readonly string[],
): readonly string[] | undefined {
  const value = config[key];
  if (value === undefined) return absent;
  if (typeof value === "string") return splitWords(value);
  return Array.isArray(value) && value.every((word) => typeof word === "string") ? value : undefined;
}

/**
 * A command line as words, without a shell: blanks separate, quotes and backslashes keep together as in `sh`, and
 * nothing else means anything. Undefined when a quote is not closed.
 */
export function splitWords(line: string): readonly string[] | undefined {
  const word = /(?:[^\s"'\\]|\\[\s\S]|'[^']*'|"(?:[^"\\]|\\[\s\S])*")+/g;
  if (line.replace(word, "").trim() !== "") return undefined;
  return [...line.matchAll(word)].map(([text]) => unquoted(text));
}

const unquoted = (word: string): string =>
  word.replace(/'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])/g, (_, single?: string, double?: string, one?: string) =>
    single !== undefined ? single : double !== undefined ? double.replace(/\\(["\\$`])/g, "$1") : (one ?? ""),
  );
