import { describe, expect, test } from "vitest";
import type { Value } from "../../src/core/brand.ts";
import type { Definition, InputSpec } from "../../src/core/definition.ts";
import { planOf } from "../../src/core/plan.ts";
import { aDefinition, always, aStep, atOnce, inOrder } from "../support/builders.ts";

const codes = (definition: Definition, inputs = {}): readonly string[] => {
  const plan = planOf(definition, inputs);
  return plan.ok ? [] : plan.problems.map((problem) => problem.code);
};
const withInput = (spec: Partial<InputSpec>): Definition => ({
  ...aDefinition(inOrder("main", aStep("a"))),
  inputs: { n: { type: "string", description: "", required: false, ...spec } },
});

describe("planOf", () => {
  test("numbers the steps in the order they are written, those inside a repeat too", () => {
    const repeat = aStep("loop", {
      action: {
        type: "repeat",
        max: 2,
        until: always,
        steps: [aStep("inner")],
        escalate: { after: 1, steps: [aStep("help")] },
      },
    });
    const plan = planOf(aDefinition(inOrder("one", aStep("a"), repeat), inOrder("two", aStep("z"))), {});
    expect(
      plan.ok && [...plan.value.nodes.values()].map(({ step, index, inside }) => [step.id, index, inside?.role ?? ""]),
    ).toEqual([
      ["a", 1, ""],
      ["loop", 2, ""],
      ["help", 3, "escalation"],
      ["inner", 4, "body"],
      ["z", 5, ""],
    ]);
  });
  test("refuses two steps of one name, in any phase", () => {
    expect(codes(aDefinition(inOrder("one", aStep("a")), inOrder("two", aStep("a"))))).toEqual(["duplicate-step"]);
  });
  test("refuses dependencies on nothing, and on what comes later", () => {
    expect(codes(aDefinition(atOnce("one", 2, aStep("a", { needs: ["ghost"] }))))).toEqual(["unknown-step"]);
    expect(codes(aDefinition(atOnce("one", 2, aStep("a", { needs: ["z"] })), inOrder("two", aStep("z"))))).toEqual([
      "unknown-step",
    ]);
  });
  test("names a cycle by its whole path", () => {
    const plan = planOf(
      aDefinition(
        atOnce("one", 2, aStep("a", { needs: ["c"] }), aStep("b", { needs: ["a"] }), aStep("c", { needs: ["b"] })),
      ),
      {},
    );
    expect(plan.ok ? [] : plan.problems.map((problem) => problem.what)).toEqual([
      "Steps wait for each other: a → c → b → a.",
    ]);
  });
  test("refuses a repeat inside a repeat", () => {
    const inner = aStep("inner", { action: { type: "repeat", max: 2, until: always, steps: [aStep("x")] } });
    expect(
      codes(
        aDefinition(
          inOrder("one", aStep("outer", { action: { type: "repeat", max: 2, until: always, steps: [inner] } })),
        ),
      ),
    ).toEqual(["nested-repeat"]);
  });
});

describe("inputs", () => {
  const read = (spec: Partial<InputSpec>, value: Value): Value | string => {
    const plan = planOf(withInput(spec), { n: value });
    return plan.ok ? (plan.value.inputs["n"] ?? null) : (plan.problems[0]?.code ?? "");
  };
  test.each<[Partial<InputSpec>, Value, Value | string]>([
    [{ type: "number" }, "3", 3],
    [{ type: "number" }, "three", "bad-input"],
    [{ type: "number", min: 1 }, 0, "bad-input"],
    [{ type: "number", max: 1 }, "2", "bad-input"],
    [{ type: "boolean" }, "true", true],
    [{ type: "boolean" }, "yes", "bad-input"],
    [{ type: "array" }, "a, b", ["a", "b"]],
    [{ type: "object" }, { a: 1 }, { a: 1 }],
    [{ type: "object" }, "x", "bad-input"],
    [{ type: "string", options: ["x", "y"] }, "y", "y"],
    [{ type: "string", options: ["x", "y"] }, "z", "bad-input"],
    [{ type: "string", pattern: "^v\\d+$" }, "v1", "v1"],
    [{ type: "string", pattern: "^v\\d+$" }, "1", "bad-input"],
  ])("%j given %j gives %j", (spec, value, expected) => {
    expect(read(spec, value)).toEqual(expected);
  });
  test("defaults fill in, required ones are asked for, strangers are refused", () => {
    expect(planOf(withInput({ default: "d" }), {})).toMatchObject({ ok: true, value: { inputs: { n: "d" } } });
    expect(codes(withInput({ required: true }))).toEqual(["missing-input"]);
    expect(codes(withInput({}), { other: 1 })).toEqual(["unknown-input"]);
  });
});
