import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ValueMap } from "../../src/core/brand.ts";
import { parseYaml, writeYaml } from "../../src/formats/yaml.ts";
import { accepted, briefs } from "../support/problems.ts";
import { anyMap, anyText, yamlSigns } from "./arbitraries.ts";

const read = (text: string) => parseYaml(text, "plan.yaml");
const data = (text: string) => accepted(read(text)).value;

describe("what is read", () => {
  test("maps, lists and scalars become plain data", () => {
    expect(data("a: 1\nb: [x, {c: true}]\nd:\n  - ~\n  - 'it''s'\n")).toEqual({
      a: 1,
      b: ["x", { c: true }],
      d: [null, "it's"],
    });
  });

  test.each([
    ["dates stay text", "a: 2026-11-20", { a: "2026-11-20" }],
    ["yes and no are words", "a: yes\nb: no", { a: "yes", b: "no" }],
    ["also under an older version", "%YAML 1.1\n---\na: yes", { a: "yes" }],
    ["a merge key is a key like any other", "<<: 1", { "<<": 1 }],
    ["a key that is a number is its own spelling", "404: a\n1.0: b", { "404": "a", "1.0": "b" }],
    ["Windows line ends and a byte order mark", "\uFEFFa: 1\r\nb: |\r\n  x\r\n  y\r\n", { a: 1, b: "x\ny\n" }],
    ["an alias stands for the same value", "a: &x [1, 2]\nb: *x", { a: [1, 2], b: [1, 2] }],
    ["an anchor can be set again", "a: &x 1\nb: &x 2\nc: *x", { a: 1, b: 2, c: 2 }],
  ])("%s", (_, text, value) => expect(data(text)).toEqual(value));

  test.each(["", "# only a comment\n", "~", "---\n"])("%j holds nothing", (text) => expect(data(text)).toBeNull());

  test("maps are ordinary objects", () => expect(Object.getPrototypeOf(data("a: 1"))).toBe(Object.prototype));
});

describe("where things stand", () => {
  const located = accepted(read("# plan\nchecks:\n  - id: a\n    run: x\n  - id: b\nshared: &s\n  deep: 1\nuse: *s\n"));

  test.each([
    [["checks"], { file: "plan.yaml", line: 2, column: 1, path: "checks" }],
    [["checks", 0], { file: "plan.yaml", line: 3, column: 5, path: "checks[0]" }],
    [["checks", 0, "run"], { file: "plan.yaml", line: 4, column: 5, path: "checks[0].run" }],
    [["checks", 1, "id"], { file: "plan.yaml", line: 5, column: 5, path: "checks[1].id" }],
    [["use", "deep"], { file: "plan.yaml", line: 7, column: 3, path: "use.deep" }],
    [["checks", 1, "run"], { file: "plan.yaml", line: 5, column: 5, path: "checks[1].run" }],
    [["nowhere", "odd key"], { file: "plan.yaml", line: 2, column: 1, path: 'nowhere["odd key"]' }],
    [[], { file: "plan.yaml", line: 2, column: 1 }],
  ])("%j", (path, place) => expect(located.place(path)).toEqual(place));

  test("an empty file has a first line", () => {
    expect(accepted(read("")).place(["a"])).toEqual({ file: "plan.yaml", line: 1, column: 1, path: "a" });
  });
});

describe("what is refused, and where", () => {
  test.each([
    ["a key that stands twice", "a: 1\nb: 2\na: 3", ["3:1 duplicate-key a"]],
    ["also when only the spelling is the same", "1: a\n'1': b", ['2:1 duplicate-key ["1"]']],
    ["a tab for indentation", "a:\n\tb: 1", ["2:1 tab-indent"]],
    ["text with a colon in it", "a: fix: b", ["1:4 bad-yaml"]],
    ["text that begins with a reserved sign", "a: `x`", ["1:4 bad-yaml"]],
    ["bold text in a list", "- **bold** x", ["1:12 bad-yaml"]],
    ["an alias of nothing", "a: *b", ["1:4 unknown-alias a"]],
    ["a value inside itself", "a: &x [*x]", ["1:8 alias-cycle a[0]"]],
    ["a list that is not closed", "a: [1, 2", ["1:9 bad-yaml"]],
    ["text that goes on after its quotes", "a: 'x' y", ["1:8 bad-yaml"]],
    ["an escape that means nothing", 'a: "\\d"', ["1:5 bad-yaml"]],
    ["a second document", "a: 1\n---\nb: 2", ["2:1 many-documents"]],
    ["a tag of another language", "a: !!binary aGk=", ["1:4 unknown-tag"]],
    ["a number that JSON cannot hold", "a: .nan", ["1:4 not-json a"]],
    ["a number that would lose digits", "sha: 12345678901234567890", ["1:6 not-json sha"]],
    ["a list as a key", "? [a]\n: b", ["1:3 odd-key"]],
    ["a key without a name", ": b", ["1:1 odd-key"]],
    ["a key that reaches a prototype", "x:\n  __proto__: 1", ["2:3 reserved-key x.__proto__"]],
    ["another one", "constructor: 1", ["1:1 reserved-key constructor"]],
    ["a NUL character", "a: 1\nb: \0", ["2:4 binary-text"]],
    ["nesting without an end", "- ".repeat(150), ["1:203 too-deep"]],
    ["more text than a person writes", `a: ${"x".repeat(1_000_000)}`, ["-:- too-large"]],
    ["more values than a person writes", `[${"1,".repeat(50_001)}]`, ["1:100002 too-large"]],
  ])("%s", (_, text, expected) => expect(briefs(read(text))).toEqual(expected));

  test("nesting that would overflow the stack", () => {
    const result = read("[".repeat(50_000));
    expect(result.ok ? [] : result.problems.map(({ code }) => code)).toEqual(["too-deep"]);
  });

  test("aliases that multiply are stopped before they fill the memory", () => {
    const ten = (what: string) => `[${Array.from({ length: 10 }, () => what).join(",")}]`;
    const bomb = [..."bcdefghij"].map((name, index) => `${name}: &${name} ${ten(`*${"abcdefghi"[index]}`)}`);
    expect(briefs(read([`a: &a ${ten("1")}`, ...bomb].join("\n")))).toEqual(["5:20 alias-bomb"]);
  });

  test("a problem says what stands there, what should, and what to do", () => {
    const result = read("name: x\ntitle: fix: the thing\n");
    expect(result).toEqual({
      ok: false,
      problems: [
        {
          code: "bad-yaml",
          severity: "error",
          what: "A map or list begins where only text can stand.",
          where: { file: "plan.yaml", line: 2, column: 8 },
          expected: "one `key: value` in a line, or entries indented alike",
          received: "title: fix: the thing",
          fix: "Put text that holds `: ` in quotes; otherwise check the indentation of this line.",
        },
      ],
    });
  });

  test("many faults are told by the first ten lines", () => {
    expect(briefs(read("a: `x`\n".repeat(40)))).toHaveLength(10);
  });

  test("many keys that stand twice are told by fifty, and by how many more there are", () => {
    const problems = briefs(read(`a: 1\n${"a: 2\n".repeat(60)}`));
    expect([problems.length, problems.at(0), problems.at(-1)]).toEqual([
      51,
      "2:1 duplicate-key a",
      "-:- more-problems",
    ]);
  });
});

describe("what is written", () => {
  test("lines of a long text are kept, and never folded", () => {
    expect(writeYaml({ text: `${"word ".repeat(40)}end`, lines: "a\nb\n" })).toBe(
      `text: ${"word ".repeat(40)}end\nlines: |\n  a\n  b\n`,
    );
  });

  test("text that would be read as something else is quoted", () => {
    expect(writeYaml({ a: "1", b: "true", c: "x: y", d: "" })).toBe('a: "1"\nb: "true"\nc: "x: y"\nd: ""\n');
  });

  test("data without a change, whatever is in it", () => {
    fc.assert(
      fc.property(anyMap, (value: ValueMap) => {
        expect(JSON.stringify(data(writeYaml(value)))).toBe(JSON.stringify(value));
      }),
      { numRuns: 500 },
    );
  });
});

test("no text makes the parser throw", () => {
  fc.assert(
    fc.property(fc.oneof(anyText, yamlSigns), (text) => {
      const result = read(text);
      if (result.ok) JSON.stringify(result.value.value);
      else
        expect(result.problems.every(({ where, fix }) => where?.file === "plan.yaml" && fix !== undefined)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
