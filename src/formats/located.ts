import type { Value } from "../core/brand.ts";
import { type Place, type Problem, problem } from "../core/problem.ts";

/** A way into a value: keys of maps and positions in lists, from the outside in. */
export type Path = readonly (string | number)[];

/** Data that still knows where in its text each part of it stands. */
export interface Located {
  readonly value: Value;
  /**
   * Where the entry at `path` begins: its key in a map, its first character in a list. What is not there is placed at
   * what would hold it.
   */
  place(path: Path): Place;
}

/** A path as people write it: `checks[0].command`, and `env["odd key"]` where a dot would not do. */
export const pathText = (path: Path): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[\p{L}_][\p{L}\p{N}_-]*$/u.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");

/** Problems in the order in which a reader of the text comes upon them; those without a line come last. */
export const inTextOrder = (problems: readonly Problem[]): readonly Problem[] =>
  problems.toSorted((a, b) => lineOf(a) - lineOf(b) || (a.where?.column ?? 0) - (b.where?.column ?? 0));

const lineOf = ({ where }: Problem): number => where?.line ?? Number.MAX_SAFE_INTEGER;

/** A text that is wrong all over is told by this many problems, and by how many more there are. */
export const mostProblems = 50;
export const andMore = (count: number): readonly Problem[] =>
  count > 0 ? [problem("more-problems", `There are ${count} more problems.`, { fix: "Mend those above first." })] : [];
