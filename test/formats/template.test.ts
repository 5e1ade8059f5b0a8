import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Evaluation, Scope } from "../../src/core/expression.ts";
import { compileCommand, compileTemplate } from "../../src/formats/template.ts";
import { accepted, briefs } from "../support/problems.ts";
import { anyMap, anyText, wordsOf } from "./arbitraries.ts";

const scope = Object.freeze({
  task: { title: "Fix it", priority: "high", empty: "" },
  triage: null,
  failures: [{ id: "unit", error: 'line 1\n"line 2"' }],
  nothing: [],
  zero: 0,
  big: "x".repeat(10_000),
});
const render = (source: string): Evaluation<string> => accepted(compileTemplate(source)).render(scope);

describe("what a template prints", () => {
  test.each([
    ["Do: {{ task.title }}", "Do: Fix it"],
    ["{{ failures[0].id | upcase }}", "UNIT"],
    ["{% for f in failures %}- {{ f.id }}: {{ f.error | json }}{% endfor %}", '- unit: "line 1\\n\\"line 2\\""'],
    ["{% for f in nothing %}x{% else %}none{% endfor %}", "none"],
    ["{%- if task.priority == 'high' -%} now {%- endif -%}", "now"],
    ["{% if triage %}a{% elsif triage.approach %}b{% else %}c{% endif %}", "c"],
    ["{% if nobody.here %}a{% endif %}b", "b"],
    ["{% if task.empty or zero %}a{% else %}b{% endif %}", "b"],
    ["{{ nobody | default: 'somebody' }}", "somebody"],
    ["{{ triage }}{{ triage.approach }}|{{ zero }}|{{ true }}", "|0|true"],
    ["{{ task }} {{ failures | map: 'id' }}", '{"title":"Fix it","priority":"high","empty":""} ["unit"]'],
    ["{% assign x = failures.size %}{{ x | plus: 1 }}", "2"],
    ["{% raw %}{{ kept }}{% endraw %} ${{ task.title }}", "{{ kept }} $Fix it"],
    ["plain { text } % with 100 %", "plain { text } % with 100 %"],
  ])("%s", (source, value) => expect(render(source)).toEqual({ ok: true, value }));
});

describe("what is not in the scope is told with its place", () => {
  test.each([
    ["{{ nobody }}", "undefined variable: nobody at line 1, column 4"],
    ["a\n\n  {{ task.titel }}", "undefined variable: task.titel at line 3, column 6"],
    ["{{ task.constructor }}", "undefined variable: task.constructor at line 1, column 4"],
    ["{{ task['__proto__'] }}", "undefined variable: task.__proto__ at line 1, column 4"],
    ["{% for x in nobody %}{% endfor %}", "undefined variable: nobody at line 1, column 13"],
  ])("%s", (source, message) => expect(render(source)).toEqual({ ok: false, message }));
});

describe("what is no template, and where", () => {
  test.each([
    ["{{ task", "1:1 bad-template"],
    ["a\n {% if task %}b", "2:2 bad-template"],
    ["a {% endif %}", "1:3 bad-template"],
    ["{{ task | nope }}", "1:1 bad-template"],
    ["x".repeat(256_001), "1:1 bad-template"],
  ])("%j", (source, problem) => expect(briefs(compileTemplate(source))).toEqual([problem]));

  test.each([
    ["reads files", "{% include 'a' %}"],
    ["reads files", "{% render 'a' %}"],
    ["reads files", "{% layout 'a' %}"],
    ["writes into the scope", "{% increment zero %}"],
    ["asks the clock", "{{ 'now' | date: '%Y' }}"],
    ["asks for a random number", "{{ failures | sample }}"],
    ["takes the bound off the output", "{{ big | raw }}"],
  ])("a part that %s is not there: %s", (_, source) =>
    expect(briefs(compileTemplate(source))).toEqual(["1:1 bad-template"]),
  );

  test.each([
    ["{{ task | upcas }}", "Did you mean `upcase`?"],
    ["{% captur x %}", "Did you mean `capture`?"],
    ['{{ task | default("x") }}', 'Write what a filter needs after a colon: `{{ name | default: "none" }}`.'],
    ["{{ task", "Check the tag near this place; `{% raw %}` … `{% endraw %}` prints braces as they are."],
  ])("%s gets the advice: %s", (source, fix) => {
    expect(compileTemplate(source)).toMatchObject({ ok: false, problems: [{ fix }] });
  });
});

describe("a template that grows without end is stopped", () => {
  test.each([
    ["{% for i in (1..1000000000) %}x{% endfor %}"],
    ["{% for i in (1..1000000) %}{{ big }}{% endfor %}"],
    ["{% for i in (1..90000) %}{% for j in (1..90000) %}x{% endfor %}{% endfor %}"],
    ["{% for i in (1..2000) %}{% capture c %}{{ c }}{{ big }}{% endcapture %}{% endfor %}"],
    [`{% for i in (1..1000) %}${"x".repeat(2_000)}{% endfor %}`],
  ])("%s", (source) => expect(render(source)).toMatchObject({ ok: false }));
});

test("no template and no scope make it throw", () => {
  const words = wordsOf(
    ..."{{ }} {% %} {%- -%} if for in task .title | json endif endfor list 'x' (1..5) raw endraw assign = liquid".split(
      " ",
    ),
    ..."capture case when else unless [ ] echo 1 : , default split truncate slice where comment".split(" "),
    " ",
    "\n",
  );
  fc.assert(
    fc.property(fc.oneof(anyText, words), anyMap, (source, map) => {
      const compiled = compileTemplate(source);
      if (!compiled.ok) return;
      const result = compiled.value.render({ ...map, task: { title: "x" }, list: [1, 2] });
      expect(typeof (result.ok ? result.value : result.message)).toBe("string");
    }),
    { numRuns: 1_000 },
  );
});

describe("a command line", () => {
  const rendered = (source: string, values: Scope) => {
    const compiled = compileCommand(source);
    if (!compiled.ok) throw new Error(compiled.problems.map((one) => one.what).join("; "));
    return compiled.value.render(values);
  };
  test("names its values instead of holding them, so that no text turns into a command", () => {
    expect(rendered('echo "{{ a }}" {{ b.c }} | tee {{ a }}', { a: "$(reboot); `x`", b: { c: 7 } })).toEqual({
      ok: true,
      value: {
        line: `echo "\${PERDURE_VALUE_1}" \${PERDURE_VALUE_2} | tee \${PERDURE_VALUE_3}`,
        environment: { PERDURE_VALUE_1: "$(reboot); `x`", PERDURE_VALUE_2: "7", PERDURE_VALUE_3: "$(reboot); `x`" },
      },
    });
  });
  test("loops, filters and captures give names too", () => {
    const source =
      "{% for x in list %}run {{ x | upcase }}\n{% endfor %}{% capture y %}{{ list[0] }}{% endcapture %}{{ y }}";
    const result = rendered(source, { list: ["a;b", "c"] });
    expect(result.ok && result.value.line).not.toMatch(/a;b/i);
    expect(result.ok && Object.values(result.value.environment).slice(0, 2)).toEqual(["A;B", "C"]);
  });
  test("a value that no variable can hold is refused", () => {
    expect(rendered("{{ a }}", { a: "x\0y" })).toMatchObject({ ok: false });
  });
  test("the same scope renders as text again afterwards", () => {
    const scope = { a: "x" };
    rendered("{{ a }}", scope);
    expect(compileTemplate("{{ a }}")).toMatchObject({ ok: true });
    const text = compileTemplate("{{ a }}");
    expect(text.ok && text.value.render(scope)).toEqual({ ok: true, value: "x" });
  });
});
