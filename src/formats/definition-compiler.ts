import type { Value } from "../core/brand.ts";
import type { CommandTemplate, Expression, Template } from "../core/expression.ts";
import type { Problem } from "../core/problem.ts";
import { parseDuration } from "./duration.ts";
import { compileExpression } from "./expression.ts";
import type { Located, Path } from "./located.ts";
import { pathText } from "./located.ts";
import { compileCommand, compileTemplate } from "./template.ts";

/** Compiles the parts of a definition and gathers what is wrong with them, each at its place in the text. */
export interface Compiler {
  readonly problems: readonly Problem[];
  report(path: Path, problem: Problem): void;
  expression(source: Value, path: Path): Expression;
  template(source: Value, path: Path): Template;
  command(source: Value, path: Path): CommandTemplate;
  /** Milliseconds; `fallback` where nothing is said. */
  duration(source: Value | undefined, path: Path, fallback: number): number;
}

export function compilerOf(located: Located): Compiler {
  const problems: Problem[] = [];
  const report = (path: Path, found: Problem): void => {
    problems.push({ ...found, where: { ...located.place(path), path: pathText(path) } });
  };
  return {
    problems,
    report,
    expression(source, path) {
      const compiled = compileExpression(String(source));
      if (compiled.ok) return compiled.value;
      for (const one of compiled.problems) report(path, one);
      return { source: String(source), evaluate: () => ({ ok: false, message: "not compiled" }) };
    },
    template(source, path) {
      const compiled = compileTemplate(String(source));
      if (compiled.ok) return compiled.value;
      for (const one of compiled.problems) report(path, one);
      return { source: String(source), render: () => ({ ok: false, message: "not compiled" }) };
    },
    command(source, path) {
      const compiled = compileCommand(String(source));
      if (compiled.ok) return compiled.value;
      for (const one of compiled.problems) report(path, one);
      return { source: String(source), render: () => ({ ok: false, message: "not compiled" }) };
    },
    duration(source, path, fallback) {
      if (source === undefined) return fallback;
      const parsed = parseDuration(source);
      if (parsed.ok) return parsed.value;
      for (const one of parsed.problems) report(path, one);
      return fallback;
    },
  };
}
