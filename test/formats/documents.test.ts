import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DocumentName, documentNames } from "../../src/core/document.ts";
import { contracts } from "../../src/formats/documents.ts";
import { accepted, briefs } from "../support/problems.ts";
import { anyMap, anyText } from "./arbitraries.ts";

const folder = new URL("../../examples/documents/", import.meta.url);
const example = (name: DocumentName, kind: "valid" | "invalid"): string =>
  readFileSync(new URL(contracts[name].file.replace(".", `.${kind}.`), folder), "utf8");

/** What each invalid example is refused for, by place and code. */
const golden: Readonly<Record<DocumentName, readonly string[]>> = {
  "task-input": [
    "1:1 bad-pattern task_id",
    "2:1 out-of-range iteration",
    "4:3 out-of-range task.title",
    "6:3 not-one-of task.priority",
    "8:3 bad-format metadata.created_at",
    "9:1 unknown-key taks",
  ],
  "triage-plan": ["7:1 tab-indent"],
  "user-responses": [
    "4:5 bad-pattern responses[0].question_id",
    "6:5 wrong-type responses[0].answer",
    "7:5 missing-key responses[1].question_id",
    "9:1 wrong-type notes",
  ],
  state: [
    "2:1 missing-key next_iteration_needed",
    "2:1 not-one-of status",
    "3:1 out-of-range completion_percentage",
    "5:3 wrong-type metrics.files_modified",
    "6:1 unknown-key next_iteration",
  ],
  feedback: [
    "5:5 not-one-of questions[0].priority",
    "6:5 unknown-key questions[0].option",
    "7:5 duplicate-id questions[1].id",
    "10:5 wrong-type questions[1].default",
    "11:5 missing-key questions[2].title",
    "11:5 bad-pattern questions[2].id",
  ],
  "validation-strategy": [
    "2:1 not-one-of validation_scope",
    "4:5 bad-pattern checks[0].id",
    "7:5 not-one-of checks[0].severity",
    "8:5 unknown-key checks[0].timeout",
    "9:5 missing-key checks[1].command",
    "10:5 not-one-of checks[1].kind",
    "12:5 out-of-range checks[1].timeout_seconds",
    "16:5 duplicate-id checks[3].id",
    "20:5 wrong-type assumptions[0]",
  ],
  "verification-results": [
    "2:1 wrong-type attempt_number",
    "3:1 not-one-of status",
    "6:5 not-one-of checks[0].status",
    "7:5 wrong-type checks[0].exit_code",
    "8:5 unknown-key checks[0].hypotesis",
    "9:5 missing-key checks[1].id",
    "11:1 wrong-type can_proceed",
  ],
  "assumption-analysis": [
    "2:1 bad-pattern trigger_reason",
    "5:5 not-one-of assumptions[0].verdict",
    "6:5 missing-key assumptions[1].statement",
    "6:5 not-one-of assumptions[1].verdict",
    "7:1 out-of-range root_cause",
    "8:1 out-of-range confidence",
    "9:1 not-one-of recommended_action",
  ],
  "recommended-fix": ["7:1 duplicate-front-matter"],
};

test("every document has one valid and one invalid example, and there is no other", () => {
  const expected = documentNames.flatMap((name) =>
    ["invalid", "valid"].map((kind) => contracts[name].file.replace(".", `.${kind}.`)),
  );
  expect(readdirSync(folder).sort()).toEqual([...expected].sort());
});

describe.each(documentNames)("%s", (name) => {
  const contract = contracts[name];

  test("its valid example has no problem and no warning, and is the same after writing", () => {
    const result = contract.read(example(name, "valid"));
    expect(result).toEqual({ ok: true, value: expect.anything() });
    expect(accepted(contract.read(contract.write(accepted(result))))).toEqual(accepted(result));
  });

  test("its valid example is the same with Windows line ends and a byte order mark", () => {
    const { fields } = accepted(contract.read(example(name, "valid")));
    const windows = `\uFEFF${example(name, "valid").replaceAll("\n", "\r\n")}`;
    expect(accepted(contract.read(windows)).fields).toEqual(fields);
  });

  test("its invalid example is refused for what the list says, in the order of the text", () => {
    expect(briefs(contract.read(example(name, "invalid")))).toEqual(golden[name]);
  });

  test("every problem of the invalid example names the file, and what was expected", () => {
    const result = contract.read(example(name, "invalid"));
    const vague = result.ok ? [] : result.problems.filter((one) => one.where?.file !== contract.file || !one.expected);
    expect(vague).toEqual([]);
  });

  test("an empty file is refused", () => expect(contract.read("")).toMatchObject({ ok: false }));
});

describe("front matter and body", () => {
  const valid = "---\nstatus: completed\nnext_iteration_needed: false\n---\n\n## What I Completed\n\nAll.\n";

  test("headings that are missing are warnings, and never fail a run", () => {
    expect(contracts.state.read(valid)).toEqual({
      ok: true,
      value: { fields: { status: "completed", next_iteration_needed: false }, body: "## What I Completed\n\nAll.\n" },
      warnings: ["Current State", "Decisions Made", "Next Steps", "Notes for Resume"].map((heading) => ({
        code: "missing-heading",
        severity: "warning",
        what: `The text has no heading \`${heading}\`.`,
        where: { file: "state.md", line: 6 },
        expected: `a line \`## ${heading}\``,
        fix: "Add the heading; what belongs under it may be one sentence.",
      })),
    });
  });

  test("places are those of the whole file, wherever the fields begin", () => {
    expect(briefs(contracts.state.read(`\n\n${valid.replace("completed", "done")}`))).toEqual([
      "4:1 not-one-of status",
    ]);
    expect(briefs(contracts.state.read(valid.replace("status:", "status: a: b #")))).toEqual(["2:9 bad-yaml"]);
  });

  test("a document without fields says so", () => {
    expect(briefs(contracts.state.read("---\n---\n"))).toEqual(["1:1 wrong-type"]);
  });
});

test("a version may be a number, because agents forget the quotes", () => {
  expect(
    briefs(contracts["triage-plan"].read("version: 1.0\ndecision: simple\nestimated_complexity: simple\napproach: x")),
  ).toEqual([]);
});

describe("documents of any content", () => {
  const strategy = (extra: object) => ({ status: "completed", next_iteration_needed: false, ...extra });

  test("are the same after writing and reading", () => {
    fc.assert(
      fc.property(anyMap, anyText, (metrics, text) => {
        const document = { fields: strategy({ git: metrics, skill: text }), body: `# ${text}\n` };
        expect(accepted(contracts.state.read(contracts.state.write(document)))).toEqual(document);
      }),
      { numRuns: 300 },
    );
  });

  test("are refused with problems and never with an exception", () => {
    const lines = fc.constantFrom(
      "---",
      "status: completed",
      "next_iteration_needed: false",
      "checks:",
      "  - id: a",
      "x",
      "",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          fc.array(lines).map((parts) => parts.join("\n")),
        ),
        (text) => {
          for (const name of documentNames) expect(typeof contracts[name].read(text).ok).toBe("boolean");
        },
      ),
      { numRuns: 300 },
    );
  });
});
