import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { violations } from "./support/architecture.ts";

test("the source keeps to the layer table", () => {
  const root = new URL("../", import.meta.url);
  const paths = readdirSync(new URL("src", root), { recursive: true, encoding: "utf8" })
    .map((path) => `src/${path.replaceAll("\\", "/")}`)
    .filter((path) => /\.[cm]?[jt]s$/.test(path));
  expect(paths.length, "files found under src").toBeGreaterThan(0);
  expect(violations(new Map(paths.map((path) => [path, readFileSync(new URL(path, root), "utf8")])))).toEqual([]);
});

/** What is wrong with one file beside a few others that it may import. */
const faultsOf = (path: string, text: string): readonly string[] =>
  violations(
    new Map([
      ["src/core/plan.ts", "export type Plan = 1;"],
      [path, text],
    ]),
  );

describe("what the table allows", () => {
  test.each([
    ["src/core/a.ts", `import type { Plan } from "./plan.ts"; export const a = Math.max(1, 2);`],
    ["src/core/deep/a.ts", `export * from "../plan.ts";`],
    ["src/core/a.ts", `export const a = { process: 1, "Math.random": 2 }.process; // new Date(), console`],
    ["src/core/a.ts", "export const a = (x: { console: 1 }) => `process ${x.console}`;"],
    ["src/formats/a.ts", `import { parse } from "yaml"; export const a = (x: string): Date => new Date(parse(x));`],
    ["src/formats/a.ts", `import equal from "ajv/dist/runtime/equal.js"; export const a = equal;`],
    ["src/formats/a.ts", `export const a = (x: unknown) => x instanceof Date || Date.parse("2026");`],
    ["src/ports/a.ts", `export type { Plan } from "../core/plan.ts";`],
    ["src/engine/a.ts", `import type { A } from "../ports/a.ts"; export type B = A;`],
    [
      "src/adapters/store/git.ts",
      `import "execa"; import "node:fs"; import "./memory.ts"; import "../../formats/a.ts";`,
    ],
    ["src/adapters/clock.ts", "export const now = () => Date.now();"],
    [
      "src/entry/cli.ts",
      `import "../engine/a.ts"; import "../adapters/store/git.ts"; import "./help.ts"; import(name);`,
    ],
  ])("%s: %s", (path, text) => expect(faultsOf(path, text)).toEqual([]));
});

describe("what the table refuses", () => {
  test.each([
    ["src/core/a.ts", `import { join } from "node:path";`, "node:path"],
    ["src/core/a.ts", `import fs from "fs";`, "fs"],
    ["src/core/a.ts", `import type { Document } from "yaml";`, "yaml"],
    ["src/core/a.ts", `import type { A } from "../formats/a.ts";`, "src/formats/a.ts"],
    ["src/core/a.ts", `export { a } from "../ports/a.ts";`, "src/ports/a.ts"],
    ["src/core/a.ts", `export * from "../ports/a.ts";`, "src/ports/a.ts"],
    ["src/core/a.ts", `export const a = () => import("../engine/a.ts");`, "src/engine/a.ts"],
    ["src/core/a.ts", `export type A = import("../ports/a.ts").A;`, "src/ports/a.ts"],
    ["src/core/a.ts", "export const a = (name: string) => import(name);", "known only at run time"],
    ["src/core/a.ts", `import schema from "../../schemas/a.json";`, "in no layer"],
    ["src/formats/a.ts", `import { Ajv } from "ajv";`, "ajv"],
    ["src/formats/a.ts", `import { a } from "yaml-extra";`, "yaml-extra"],
    ["src/formats/a.ts", `import { createHash } from "node:crypto";`, "node:crypto"],
    ["src/formats/a.ts", `import type { A } from "../ports/a.ts";`, "src/ports/a.ts"],
    ["src/ports/a.ts", `import { a } from "../formats/a.ts";`, "src/formats/a.ts"],
    ["src/ports/a.ts", `import type { Octokit } from "octokit";`, "octokit"],
    ["src/engine/a.ts", `import { a } from "../adapters/store/git.ts";`, "src/adapters/store/git.ts"],
    ["src/engine/a.ts", `import { a } from "../formats/a.ts";`, "src/formats/a.ts"],
    ["src/engine/a.ts", `import { setTimeout } from "node:timers/promises";`, "node:timers/promises"],
    ["src/adapters/store/git.ts", `import { a } from "../agent/command.ts";`, "src/adapters/agent/command.ts"],
    ["src/adapters/store/git.ts", `import { a } from "../clock.ts";`, "src/adapters/clock.ts"],
    ["src/adapters/clock.ts", `import { a } from "../engine/a.ts";`, "src/engine/a.ts"],
    ["src/adapters/clock.ts", `import { a } from "../entry/cli.ts";`, "src/entry/cli.ts"],
    ["src/utils/a.ts", "export const a = 1;", "in no layer"],
    ["src/a.ts", "export const a = 1;", "in no layer"],
    ["src/core/a.ts", "export const a = Date.now();", "Date"],
    ["src/core/a.ts", "export const a = (x: string) => new Date(x);", "Date"],
    ["src/core/a.ts", "export const a = process.env;", "process"],
    ["src/core/a.ts", "export const a = { process };", "process"],
    ["src/core/a.ts", "export const a = () => console.log(1);", "console"],
    ["src/core/a.ts", "export const a = globalThis.Date.now();", "globalThis"],
    ["src/core/a.ts", "export const a = Math.random();", "Math.random"],
    ["src/core/a.ts", `export const a = Math["random"]();`, "Math.random"],
    ["src/core/a.ts", "const { random } = Math; export const a = random;", "Math.*"],
    ["src/formats/a.ts", "export const a = new Date();", "the clock behind Date"],
    ["src/formats/a.ts", "export const a = Date();", "the clock behind Date"],
    ["src/formats/a.ts", "export const a = Date.now();", "Date.now"],
    ["src/formats/a.ts", "export const a = () => Math.random();", "Math.random"],
    ["src/engine/a.ts", "export default 1;", "default export"],
    ["src/engine/a.ts", "const a = 1; export { a as default };", "default export"],
    ["src/engine/a.ts", `export { default } from "./b.ts";`, "default export"],
  ])("%s: %s", (path, text, fault) => {
    const faults = faultsOf(path, text);
    expect(faults).toEqual([expect.stringContaining(fault)]);
    expect(faults[0]).toContain(path);
  });

  test("an import cycle, also of types only", () => {
    const sources = new Map([
      ["src/core/a.ts", `import { b } from "./b.ts"; export const a = b;`],
      ["src/core/b.ts", `import type { C } from "./c.ts"; export const b = 1 as C;`],
      ["src/core/c.ts", `import type { a } from "./a.ts"; export type C = typeof a;`],
    ]);
    expect(violations(sources)).toEqual([
      "import cycle: src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts",
    ]);
  });

  test("a file, a tenth file or a median that is too long, unless a program wrote it", () => {
    const faultsOfSizes = (...sizes: readonly number[]) =>
      violations(new Map(sizes.map((lines, i) => [`src/core/f${i}.ts`, "// line\n".repeat(lines)])));
    expect(faultsOfSizes(90, 90, 91)).toEqual([]);
    expect(faultsOfSizes(10, 91, 95)).toEqual([expect.stringContaining("the median file has 91 lines")]);
    expect(faultsOfSizes(1, 1, 1, 1, 1, 1, 1, 1, 201, 201)).toEqual([expect.stringContaining("201 lines or more")]);
    expect(faultsOfSizes(1, 1, 1, 1, 1, 1, 1, 1, 1, 301)).toEqual([expect.stringContaining("f9.ts has 301 lines")]);
    expect(faultsOf("src/formats/a.generated.js", `export default ${"\n".repeat(400)} 1;`)).toEqual([]);
  });

  test("a file that does not parse, instead of a green result", () => {
    expect(() => faultsOf("src/core/a.ts", "import {")).toThrow("src/core/a.ts does not parse");
  });
});
