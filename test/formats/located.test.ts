import { expect, test } from "vitest";
import { problem } from "../../src/core/problem.ts";
import { describe as describeValue, excerpt } from "../../src/formats/excerpt.ts";
import { andMore, inTextOrder, pathText } from "../../src/formats/located.ts";

test.each([
  [[], ""],
  [["checks", 0, "command"], "checks[0].command"],
  [[2, "a"], "[2].a"],
  [["env", "odd key", "x-y", "7"], 'env["odd key"].x-y["7"]'],
  [["größe"], "größe"],
])("%j is written %s", (path, text) => expect(pathText(path)).toBe(text));

test("problems are told in the order of the text, those without a line last", () => {
  const at = (code: string, line?: number, column?: number) =>
    problem(code, code, { where: { ...(line && { line }), ...(column && { column }) } });
  const ordered = inTextOrder([at("none"), at("b", 2, 5), at("a", 2, 1), at("first", 1)]);
  expect(ordered.map(({ code }) => code)).toEqual(["first", "a", "b", "none"]);
});

test("what is left out is counted", () => {
  expect(andMore(0)).toEqual([]);
  expect(andMore(7).map(({ what }) => what)).toEqual(["There are 7 more problems."]);
});

test("an excerpt is one line of at most 60 characters, and never half a character", () => {
  expect(excerpt("  a\n\tb ")).toBe("a b");
  expect(excerpt("x".repeat(61))).toBe(`${"x".repeat(59)}…`);
  expect(excerpt(`${"x".repeat(58)}😀😀`)).toBe(`${"x".repeat(58)}…`);
});

test.each([
  [null, "nothing"],
  [undefined, "nothing"],
  ["a\nb", '"a\\nb"'],
  [0, "0"],
  [false, "false"],
  [[], "a list of 0"],
  [{}, "an empty map"],
  [{ id: 1, name: 2 }, "a map with id, name"],
])("%j is described as %s", (value, text) => expect(describeValue(value)).toBe(text));
