import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joinFrontMatter, splitFrontMatter } from "../../src/formats/front-matter.ts";
import { accepted, briefs } from "../support/problems.ts";
import { anyText } from "./arbitraries.ts";

const split = (text: string) => splitFrontMatter(text, "state.md");

describe("the two parts of a document", () => {
  test.each([
    ["fields and text", "---\na: 1\n---\n\n# T\n", { yaml: "\na: 1\n", body: "# T\n", bodyLine: 5 }],
    ["text without an empty line before it", "---\na: 1\n---\n# T", { yaml: "\na: 1\n", body: "# T", bodyLine: 4 }],
    ["no text", "---\na: 1\n---\n", { yaml: "\na: 1\n", body: "", bodyLine: 4 }],
    ["no last line end", "---\na: 1\n---", { yaml: "\na: 1\n", body: "", bodyLine: 4 }],
    ["no fields", "---\n---\nx", { yaml: "\n", body: "x", bodyLine: 3 }],
    ["empty lines before", "\n \n---\na: 1\n---\nx", { yaml: "\n\n\na: 1\n", body: "x", bodyLine: 6 }],
    [
      "a byte order mark and Windows line ends",
      "\uFEFF---\r\na: 1\r\n--- \r\n\r\nx\r\n",
      { yaml: "\na: 1\n", body: "x\r\n", bodyLine: 5 },
    ],
    [
      "a rule at the top of the text",
      "---\na: 1\n---\n---\nText\n---\n",
      { yaml: "\na: 1\n", body: "---\nText\n---\n", bodyLine: 4 },
    ],
    [
      "a line of dashes inside a value",
      "---\na: |\n  ---\n---\nx",
      { yaml: "\na: |\n  ---\n", body: "x", bodyLine: 5 },
    ],
  ])("%s", (_, text, parts) => expect(accepted(split(text))).toEqual(parts));
});

describe("what is refused, and where", () => {
  test.each([
    ["text without fields", "\n# State\n", ["2:1 missing-front-matter"]],
    ["an empty file", "", ["1:1 missing-front-matter"]],
    ["a document in a code fence", "```yaml\n---\na: 1\n---\n```\n", ["1:1 missing-front-matter"]],
    ["fields that never end", "\n---\na: 1\n# Text\n", ["2:1 unterminated-front-matter"]],
    ["fields twice", "---\na: 1\n---\n\n---\nb: 2\n---\n", ["5:1 duplicate-front-matter"]],
  ])("%s", (_, text, expected) => expect(briefs(split(text))).toEqual(expected));

  test("a code fence around the document is named", () => {
    expect(split("```markdown\n---\na: 1\n---\n```")).toMatchObject({
      problems: [{ received: "```markdown", fix: "Take the code fence around the document away." }],
    });
  });
});

test("what is put together comes apart into the same parts", () => {
  const line = fc.oneof(
    fc.constantFrom("", "\r", "x", "# T", " ---", "- - -"),
    fc.string().filter((text) => !/^---\s*$/u.test(text)),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const body = lines.join("\n");
      expect(accepted(split(joinFrontMatter("a: 1\n", body)))).toMatchObject({ yaml: "\na: 1\n", body });
    }),
  );
});

test("no text makes it throw", () => {
  const text = fc
    .array(fc.constantFrom("---", "\n", "\r\n", "a: 1", " ", "```", "\uFEFF", "x"))
    .map((parts) => parts.join(""));
  fc.assert(fc.property(fc.oneof(text, anyText), (given) => typeof split(given).ok === "boolean"));
});
