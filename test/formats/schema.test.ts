import { describe, expect, test } from "vitest";
import type { Value } from "../../src/core/brand.ts";
import type { Located } from "../../src/formats/located.ts";
import { checkSchema } from "../../src/formats/schema.ts";
import { brief } from "../support/problems.ts";

/** A value from no text, so that places are paths alone. */
const nowhere = (value: Value): Located => ({ value, place: () => ({}) });
const problems = (value: Value) => checkSchema("validation-strategy", nowhere(value));
const only = (value: Value) => problems({ validation_scope: "full", ...(value as object) });
const check = { id: "a", kind: "unit", command: "npm test", severity: "high" };

test("a value that fits has no problems", () => {
  expect(only({ checks: [check] })).toEqual([]);
});

test("a problem says where, what, what else, and what to write", () => {
  expect(only({ checks: [{ ...check, comand: "x" }] })).toEqual([
    {
      code: "unknown-key",
      severity: "error",
      what: "There is no key `comand` here.",
      where: { path: "checks[0].comand" },
      expected: "one of id, name, description, kind, command, severity, required, timeout_seconds",
      received: '"comand"',
      fix: "Did you mean `command`?",
    },
  ]);
});

describe("what does not fit", () => {
  test.each<readonly [string, Value, readonly string[]]>([
    ["a list where a map belongs", [], ["-:- wrong-type"]],
    ["nothing", null, ["-:- wrong-type"]],
    ["a missing key", { checks: [check] }, ["-:- missing-key validation_scope"]],
    ["a word nobody knows", { validation_scope: "all", checks: [check] }, ["-:- not-one-of validation_scope"]],
    ["a list too short", { validation_scope: "full", checks: [] }, ["-:- out-of-range checks"]],
    [
      "a command that is missing, though not for a look by hand",
      {
        validation_scope: "full",
        checks: [
          { id: "a", kind: "lint", severity: "low" },
          { id: "b", kind: "manual", severity: "low" },
        ],
      },
      ["-:- missing-key checks[0].command"],
    ],
    [
      "several things at once",
      { validation_scope: "full", checks: [{ ...check, id: "a b", timeout_seconds: 0.5, required: "yes", name: "" }] },
      [
        "-:- bad-pattern checks[0].id",
        "-:- out-of-range checks[0].name",
        "-:- out-of-range checks[0].timeout_seconds",
        "-:- wrong-type checks[0].required",
        "-:- wrong-type checks[0].timeout_seconds",
      ],
    ],
    [
      "a value of the wrong kind and word at once is told once",
      { validation_scope: true, checks: [check] },
      ["-:- not-one-of validation_scope"],
    ],
  ])("%s", (_, value, expected) => expect([...problems(value)].map(brief).sort()).toEqual(expected));
});

test.each<readonly [string, Value, string, string]>([
  ["text", 7, "text", 'Put it in quotes: "7".'],
  ["list", "x", "a list", "Write a list: one line `- entry` for each entry."],
])("a %s is asked for in words", (kind, value, expected, fix) => {
  const field = kind === "text" ? { strategy_id: value } : { success_criteria: value };
  expect(only({ checks: [check], ...field })).toMatchObject([
    { code: "wrong-type", expected, received: JSON.stringify(value), fix },
  ]);
});

test("a time is shown by an example", () => {
  expect(
    checkSchema(
      "task-input",
      nowhere({
        task_id: "a",
        task: { title: "t", description: "", priority: "low" },
        metadata: { created_at: "2026-11-20" },
      }),
    ),
  ).toMatchObject([
    {
      code: "bad-format",
      where: { path: "metadata.created_at" },
      expected: "a time such as 2026-11-20T21:40:11Z (When the run was created, in UTC)",
    },
  ]);
});

test("keys with signs of JSON pointers in them keep their place", () => {
  expect(only({ checks: [check], "a/b~c": 1 })).toMatchObject([{ code: "unknown-key", where: { path: '["a/b~c"]' } }]);
});

test("fifty problems are told, and how many more there are", () => {
  const many = only({
    checks: [check],
    ...Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`x${index}`, 1])),
  });
  expect([many.length, many.at(-1)?.what]).toEqual([51, "There are 30 more problems."]);
});
