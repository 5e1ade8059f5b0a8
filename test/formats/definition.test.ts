import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allSteps } from "../../src/core/definition.ts";
import { parseDefinition } from "../../src/formats/definition-yaml.ts";
import { anyText } from "./arbitraries.ts";

const read = (text: string) => parseDefinition(text, "sample.yaml");
const accepted = (text: string) => {
  const parsed = read(text);
  if (!parsed.ok) throw new Error(parsed.problems.map((one) => one.what).join("; "));
  return parsed.value.definition;
};
/** What is wrong, in short: `line:column code path`. */
const faults = (text: string) => {
  const parsed = read(text);
  return parsed.ok
    ? []
    : parsed.problems.map(({ code, where }) => `${where?.line}:${where?.column} ${code} ${where?.path ?? ""}`.trim());
};

describe("the shipped development cycle", () => {
  const definition = accepted(readFileSync(new URL("../../workflows/develop.yaml", import.meta.url), "utf8"));
  test("has the phases that people are told of", () => {
    expect(definition.phases.map(({ id }) => id)).toEqual(["triage", "execute", "pre-verify", "verify", "deliver"]);
  });
  test("bounds what it repeats: five attempts at verification, ten iterations, the devil's advocate after three", () => {
    const bounds = allSteps(definition).flatMap(({ id, action }) =>
      action.type === "repeat" ? [[id, action.max, action.escalate?.after ?? 0]] : [],
    );
    expect(bounds).toEqual([
      ["triage-loop", 3, 0],
      ["execute-loop", 10, 0],
      ["verify-loop", 5, 3],
    ]);
  });
});

describe("what a definition may leave out", () => {
  const [phase] = accepted(
    "steps:\n  - run: make\n  - name: Run the tests\n    run: make test\n  - skill: execute\n",
  ).phases;
  test("ids come from names, from what a step does, or from its place", () => {
    expect(phase?.steps.map(({ id }) => id)).toEqual(["step-1", "run-the-tests", "execute"]);
  });
  test("steps follow one another, and the dependency is written out", () => {
    expect(phase?.steps.map(({ needs }) => needs)).toEqual([[], ["step-1"], ["run-the-tests"]]);
  });
  test("the type follows from the keys", () => {
    const kinds = accepted(
      "steps:\n  - run: x\n  - prompt: x\n  - skill: x\n  - from: validation-strategy\n  - condition: 'true'\n  - ask: x?\n  - type: deliver\n  - repeat: { until: 'true', max: 1 }\n    steps: [{ run: x }]\n",
    );
    expect(kinds.phases[0]?.steps.map(({ action }) => action.type)).toEqual([
      "shell",
      "agent",
      "skill",
      "checks",
      "assert",
      "approval",
      "deliver",
      "repeat",
    ]);
  });
  test("the name of the file is its name, without number and suffix", () => {
    const parsed = parseDefinition("steps: [{ run: x }]\n", ".github/perdure/01_release_workflow.yaml");
    expect(parsed.ok && parsed.value.definition.name).toBe("release");
  });
  test("retry: 3 is three retries after the first try, of everything that another try may help", () => {
    const [step] = accepted("steps: [{ run: x, retry: 3 }]").phases[0]?.steps ?? [];
    expect(step?.retry).toMatchObject({ attempts: 4, on: ["infrastructure", "timeout", "contract", "exit"] });
  });
  test("effects outside make an attempt of unknown outcome a question", () => {
    const steps = accepted(
      "steps: [{ run: a, side_effects: external }, { run: b, idempotent: false }, { run: c }, { run: d, idempotent: false, on_ambiguous: retry }]",
    ).phases[0]?.steps;
    expect(steps?.map(({ onAmbiguous }) => onAmbiguous)).toEqual(["pause", "pause", "retry", "retry"]);
  });
  test("a step that names its dependencies makes the phase a graph", () => {
    const [graph] = accepted(
      "steps: [{ id: a, run: a }, { id: b, run: b }, { id: c, run: c, depends_on: [a, b] }]",
    ).phases;
    expect(graph).toMatchObject({
      order: "parallel",
      maxConcurrent: 4,
      steps: [{ needs: [] }, { needs: [] }, { needs: ["a", "b"] }],
    });
  });
});

describe("what is refused, and where", () => {
  test.each([
    ["an unknown key", "steps:\n  - run: x\n    timout: 5m\n", ["3:5 unknown-key steps[0].timout"]],
    ["a wrong type", "steps:\n  - run: [x]\n", ["2:5 wrong-type steps[0].run"]],
    ["a word that is none", "steps:\n  - run: x\n    on_failure: ignore\n", ["3:5 not-one-of steps[0].on_failure"]],
    ["a step that does nothing", "steps:\n  - id: a\n", ["2:5 unknown-step-type steps[0]"]],
    ["an expression", "steps:\n  - run: x\n    when: steps..a\n", ["3:5 bad-expression steps[0].when"]],
    ["a template", 'steps:\n  - run: "{{ x"\n', ["2:5 bad-template steps[0].run"]],
    ["a duration", "steps:\n  - run: x\n    timeout: soon\n", ["3:5 bad-duration steps[0].timeout"]],
    ["no steps at all", "name: x\n", ["1:1 missing-key"]],
    [
      "both forms at once",
      "steps: [{ run: x }]\nphases: [{ name: a, steps: [{ run: y }] }]\n",
      ["1:1 two-forms steps"],
    ],
    [
      "two phases of one name",
      "phases:\n  - { name: a, steps: [{ run: x }] }\n  - { name: a, steps: [{ run: y }] }\n",
      ["3:7 duplicate-phase phases[1].name"],
    ],
    [
      "a pattern that takes for ever",
      "inputs:\n  x: { pattern: (a+)+$ }\nsteps: [{ run: x }]\n",
      ["2:8 bad-pattern inputs.x.pattern"],
    ],
    [
      "a dependency inside a repeat",
      "steps:\n  - repeat: { until: 'true', max: 2 }\n    steps:\n      - { run: x, depends_on: y }\n",
      ["4:19 order steps[0].steps[0].depends_on"],
    ],
  ])("%s", (_, text, expected) => {
    expect(faults(text)).toEqual(expected);
  });
  test("every fault is told, not only the first", () => {
    expect(faults("steps:\n  - run: x\n    when: (((\n  - run: '{% if %}'\n  - id: z\n")).toHaveLength(3);
  });
  test("a version without quotes is read, and warned of", () => {
    const parsed = read("version: 1.0\nsteps: [{ run: x }]\n");
    expect(parsed).toMatchObject({
      ok: true,
      value: { definition: { version: "1" } },
      warnings: [{ code: "unquoted-version" }],
    });
  });
  test("no text makes it throw", () => {
    fc.assert(
      fc.property(anyText, (text) => void read(text)),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(
        anyText,
        (text) => void read(`steps:\n  - run: ${JSON.stringify(text)}\n    when: ${JSON.stringify(text)}\n`),
      ),
      { numRuns: 200 },
    );
  });
});

test("the definition in the README is one", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [, yaml = ""] = /```yaml\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(accepted(yaml).name).toBe("tidy");
});
