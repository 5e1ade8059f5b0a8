import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { documentNames } from "../../src/core/document.ts";
import { validators } from "../../src/formats/validators.generated.js";

const root = new URL("../../", import.meta.url);
const files = readdirSync(new URL("schemas", root)).filter((file) => file.endsWith(".schema.json"));
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

test("the checked-in validators are what the schemas give", () => {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/validators.mjs", "--check"], {
    cwd: root,
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
});

test("every schema has its validator, and every document its schema", () => {
  expect(Object.keys(validators)).toEqual(files.map((file) => file.replace(".schema.json", "")).sort());
  expect(documentNames.filter((name) => !(name in validators))).toEqual([]);
});

test("the validators bring all they need with them", () => {
  // A module in a data URL can import nothing by a package's name.
  const code = Buffer.from(read("src/formats/validators.generated.js")).toString("base64");
  const input = `import { validators } from "data:text/javascript;base64,${code}";
console.log(validators.skill({}), validators.skill.errors.length);`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module"], { input, encoding: "utf8" });
  expect(stdout).toBe("false 5\n");
});

describe("published schemas", () => {
  const mine = [...documentNames, "skill"];
  test.each(mine)("%s names itself and explains every key", (name) => {
    const schema = JSON.parse(read(`schemas/${name}.schema.json`)) as Schema;
    expect(schema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: `perdure/${name}`,
      type: "object",
      additionalProperties: false,
    });
    expect(unexplained(schema, name)).toEqual([]);
  });
});

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Paths of keys without a description. */
function unexplained(schema: Schema, path: string): readonly string[] {
  const inside = Object.entries(schema.properties ?? {}).flatMap(([key, child]) => [
    ...(child.description ? [] : [`${path}.${key}`]),
    ...unexplained(child, `${path}.${key}`),
  ]);
  return schema.items ? [...inside, ...unexplained(schema.items, `${path}[]`)] : inside;
}
