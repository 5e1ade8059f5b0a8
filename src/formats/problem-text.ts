import type { Place, Problem } from "../core/problem.ts";

/** A problem as lines for people: what, where, expected and received, what to do. */
export function problemLines(problem: Problem): readonly string[] {
  const where = problem.where && placeText(problem.where);
  return [
    `${problem.severity}: ${problem.what} [${problem.code}]`,
    ...(where ? [`  at        ${where}`] : []),
    ...(problem.expected === undefined ? [] : [`  expected  ${problem.expected}`]),
    ...(problem.received === undefined ? [] : [`  received  ${problem.received}`]),
    ...(problem.fix === undefined ? [] : [`  do        ${problem.fix}`]),
  ];
}

/** `file:line:column path`, as editors and terminals make links of. */
export function placeText(place: Place): string {
  const spot = [place.file, place.line, place.column].filter((part) => part !== undefined).join(":");
  return [spot, place.path === undefined || place.path === "" ? "" : `(${place.path})`]
    .filter((part) => part !== "")
    .join(" ");
}
