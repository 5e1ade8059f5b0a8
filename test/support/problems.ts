import type { Problem, Result } from "../../src/core/problem.ts";

/** A problem in one line: `12:5 unknown-key checks[0].comand`. */
export const brief = ({ code, where }: Problem): string =>
  [`${where?.line ?? "-"}:${where?.column ?? "-"}`, code, where?.path].filter((part) => part !== undefined).join(" ");

/** What a result is refused for, in one line each; nothing when it is accepted. */
export const briefs = (result: Result<unknown>): readonly string[] => (result.ok ? [] : result.problems.map(brief));

/** The value of an accepted result; a refused one fails the test with its problems. */
export function accepted<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(JSON.stringify(result.problems, null, 2));
}
