import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Value } from "../../src/core/brand.ts";
import type { Evaluation } from "../../src/core/expression.ts";
import { compileExpression } from "../../src/formats/expression.ts";
import { accepted, briefs } from "../support/problems.ts";
import { anyMap, anyText, wordsOf } from "./arbitraries.ts";

const scope = {
  inputs: { status: "completed", empty: "" },
  "phase-1": { status: "completed" },
  steps: {
    "run-tests": { status: "completed", outputs: { x: 3, status: "success", list: [1, "b"], none: null } },
    Build: { status: "cached", outputs: {} },
    build: { status: "failed", outputs: {} },
  },
};
const evaluate = (source: string): Evaluation<Value> => accepted(compileExpression(source)).evaluate(scope);

describe("what an expression gives", () => {
  test.each<readonly [string, Value]>([
    ["steps.run-tests.outputs.x", 3],
    ["steps['run-tests'].outputs[\"x\"] >= 3", true],
    ["${{ steps.run-tests.outputs.x < 3 }}", false],
    ["!inputs.empty && 'yes' || 'no'", "yes"],
    ["steps.*.status", ["completed", "cached", "failed"]],
    ['join(steps.*.status, "+")', "completed+cached+failed"],
    ["contains(steps.run-tests.outputs.list, 'B')", true],
    ["startsWith('perdure', 'PER') && endsWith('perdure', 'dure')", true],
    ["fromJSON('[1, {\"a\": [2]}]')[1].a[0]", 2],
    ["toJSON(steps.run-tests.outputs.list)", '[\n  1,\n  "b"\n]'],
    ["steps.run-tests.outputs", { x: 3, status: "success", list: [1, "b"], none: null }],
    ["1 == '1'", true],
    ["-1.5", -1.5],
  ])("%s", (source, value) => expect(evaluate(source)).toEqual({ ok: true, value }));

  test.each([
    "nobody",
    "nobody.here.either",
    "steps.run-tests.outputs.none",
    "steps.x.y",
    "inputs.constructor",
    "__proto__",
  ])("%s is not there, which is null", (source) => expect(evaluate(source)).toEqual({ ok: true, value: null }));

  test("text stands in single or double quotes, the quote itself written twice", () => {
    expect(evaluate('format("{0} {1} {2}", \'it\'\'s \'\'x\'\'\', "say ""y""", "it\'s")')).toEqual({
      ok: true,
      value: "it's 'x' say \"y\" it's",
    });
  });

  test("names that differ in letter case alone are told apart", () => {
    expect(evaluate("format('{0} {1}', steps.Build.status, steps.build.status)")).toEqual({
      ok: true,
      value: "cached failed",
    });
    expect(evaluate("steps.RUN-TESTS.status")).toEqual({ ok: true, value: "completed" });
  });
});

describe("words for one status (C6)", () => {
  test.each<readonly [string, boolean]>([
    ['phase-1.status == "success"', true],
    ['"success" == phase-1.status', true],
    ['phase-1.status != "success"', false],
    ['phase-1["status"] == "Success"', true],
    ['(phase-1.status == "success") && !(phase-1.status == "failure")', true],
    ["steps.Build.status == 'completed'", true],
    ["steps.Build.status == 'cached'", true],
    ["steps.run-tests.status == 'cached'", false],
    ["steps.build.status == 'failure'", true],
    ["steps.build.status != 'success'", true],
    ["format('{0}', phase-1.status == 'success') == 'true'", true],
  ])("%s is %s", (source, value) => expect(evaluate(source)).toEqual({ ok: true, value }));

  test.each<readonly [string, boolean]>([
    ["steps.run-tests.outputs.status == 'completed'", false],
    ["steps.run-tests.outputs.status == 'success'", true],
    ["inputs.status == 'success'", false],
  ])("people's own words stay their own: %s is %s", (source, value) =>
    expect(evaluate(source)).toEqual({ ok: true, value }),
  );
});

describe("what is no expression, and where", () => {
  test.each([
    ["", "-:- bad-expression"],
    ["${{   }}", "-:- bad-expression"],
    ["a = b", "1:3 bad-expression"],
    ["a and b", "1:3 bad-expression"],
    ["${{ a b }}", "1:7 bad-expression"],
    ["a &&\n  b c", "2:5 bad-expression"],
    ["'abc", "1:1 bad-expression"],
    ["'a' \"b\"", "1:5 bad-expression"],
    ["''\"\"", "1:3 bad-expression"],
    ["(a", "1:2 bad-expression"],
    ["a ? b : c", "1:3 bad-expression"],
    ["always()", "1:1 bad-expression"],
    ["contains(a)", "1:1 bad-expression"],
    ["!".repeat(60), "1:51 bad-expression"],
    ["a".repeat(20_001), "-:- bad-expression"],
  ])("%j", (source, problem) => expect(briefs(compileExpression(source))).toEqual([problem]));

  test.each([
    ["a and b", "Write `&&` instead of `and`."],
    ["a = b", "Write `==` instead of `=`."],
    ["contain(a, b)", "Did you mean `contains`?"],
    ["a ? b : c", "Check the expression near this place; text stands in quotes."],
  ])("%s gets the advice: %s", (source, fix) => {
    expect(compileExpression(source)).toMatchObject({ ok: false, problems: [{ fix, received: source }] });
  });
});

describe("what fails when it is evaluated is told, not thrown", () => {
  test.each([
    ["fromJSON('{')", "Error parsing JSON when evaluating fromJson"],
    ["format('{1}', 'a')", "The following format string references more arguments than …"],
    ["NaN", "the result is NaN, which is no number to go on with"],
  ])("%s", (source, message) => expect(evaluate(source)).toEqual({ ok: false, message }));

  test("a text that doubles without end", () => {
    const doubled = Array.from({ length: 45 }).reduce<string>((inner) => `format('{0}{0}', ${inner})`, "'0123456789'");
    expect(evaluate(doubled)).toEqual({ ok: false, message: "format made a text of more than 1000000 characters" });
  });
});

test("no expression and no scope make it throw, and every value is plain data", () => {
  const words = wordsOf(
    ..."a . status == != 'success' \"x\" ( ) [ ] * && || ! contains format fromJSON '{0}' , ${{ }} 1 - null toJSON".split(
      " ",
    ),
    " ",
    "\n",
  );
  fc.assert(
    fc.property(fc.oneof(anyText, words), anyMap, (source, map) => {
      const compiled = compileExpression(source);
      if (!compiled.ok) return;
      const result = compiled.value.evaluate(map);
      if (result.ok) expect(JSON.parse(JSON.stringify(result.value))).toEqual(result.value);
      else expect(result.message.length).toBeGreaterThan(0);
    }),
    { numRuns: 1_000 },
  );
});
