import { expect, test } from "vitest";
import { missingHeadings } from "../../src/formats/headings.ts";

test("level, letter case, numbers and signs around a heading do not count", () => {
  const body = "# ✅ What I completed\r\n\r\n### 2. NEXT  STEPS:\r\n\r\n   ## Notes for Resume ##\r\n";
  expect(missingHeadings(body, ["What I Completed", "Next Steps", "Notes for Resume"])).toEqual([]);
});

test("words in the text, in code or indented like code are no heading", () => {
  const body =
    "Next Steps\n\n```md\n# Current State\n~~~\n```\n\n    # Decisions Made\n\n#Root Cause\n\n~~~~\n# Summary\n~~~\n~~~~\n";
  const wanted = ["Next Steps", "Current State", "Decisions Made", "Root Cause", "Summary"];
  expect(missingHeadings(body, wanted)).toEqual(wanted);
});

test("a heading after a code fence counts again", () => {
  expect(missingHeadings("```\nx\n```\n## Summary\n", ["Summary"])).toEqual([]);
});
