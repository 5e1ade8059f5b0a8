// Compiles schemas/*.schema.json to src/formats/validators.generated.js, which is checked in: nothing compiles a schema
// at run time, and nothing of the compiler is in the bundles.
//
//   node scripts/validators.mjs           writes the validators and their types
//   node scripts/validators.mjs --check   writes nothing, and fails when they are not what the schemas give
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import standalone from "ajv/dist/standalone/index.js";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "schemas");
const target = "src/formats/validators.generated";
const ending = ".schema.json";
/** RFC 3339 with its offset: the one format that the schemas use. */
const dateTime =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt ](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

const names = readdirSync(folder)
  .filter((file) => file.endsWith(ending))
  .map((file) => file.slice(0, -ending.length))
  .sort();
const files = new Map([
  [`${target}.js`, await bundled(compiled())],
  [`${target}.d.ts`, types()],
]);
if (process.argv.includes("--check")) compare();
else for (const [path, text] of files) writeFileSync(join(root, path), text);

/** One module with a function for every schema, under the schema's name in camel case. */
function compiled() {
  const ajv = new Ajv2020({
    strict: true,
    allowUnionTypes: true,
    // A condition may ask for a key that its parent describes, and describe a key without saying its type again.
    strictRequired: false,
    strictTypes: false,
    allErrors: true,
    verbose: true,
    code: { source: true, esm: true, lines: true },
    formats: { "date-time": dateTime },
  });
  for (const name of names) ajv.addSchema(JSON.parse(readFileSync(join(folder, name + ending), "utf8")), name);
  return standalone.default(ajv, Object.fromEntries(names.map((name) => [camel(name), name])));
}

/** With the few functions of ajv that it calls inlined, and the functions in a table by the schemas' own names. */
async function bundled(code) {
  const table = names.map((name) => `  ${JSON.stringify(name)}: compiled.${camel(name)},`).join("\n");
  const { outputFiles } = await build({
    absWorkingDir: root,
    stdin: {
      contents: `import * as compiled from "compiled";\nexport const validators = {\n${table}\n};`,
      resolveDir: root,
    },
    plugins: [
      {
        name: "compiled",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^compiled$/ }, ({ path }) => ({ path, namespace: "compiled" }));
          onLoad({ filter: /.*/, namespace: "compiled" }, () => ({ contents: code, resolveDir: root }));
        },
      },
    ],
    write: false,
    bundle: true,
    platform: "neutral",
    mainFields: ["main"],
    target: "es2022",
    format: "esm",
    minify: true,
    legalComments: "none",
    logLevel: "warning",
  });
  return `// Made by scripts/validators.mjs from schemas/. Do not edit.\n${outputFiles[0].text}`;
}

function types() {
  return `// Made by scripts/validators.mjs from schemas/. Do not edit.
/** Names of the published schemas. */
export type SchemaName =
${names.map((name) => `  | ${JSON.stringify(name)}`).join("\n")};

/** One thing that does not fit a schema, as ajv says it. */
export interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly propertyName?: string;
  readonly message?: string;
  readonly schema?: unknown;
  readonly parentSchema?: Readonly<Record<string, unknown>>;
  readonly data?: unknown;
}

/** Says whether a value fits; what does not is in \`errors\` until the next call. */
export interface Validator {
  (value: unknown): boolean;
  readonly errors?: readonly SchemaError[] | null;
}

export declare const validators: Readonly<Record<SchemaName, Validator>>;
`;
}

function compare() {
  const faults = [...files].filter(([path, text]) => {
    const file = join(root, path);
    return !existsSync(file) || readFileSync(file, "utf8") !== text;
  });
  if (faults.length === 0) return;
  console.error(
    `${faults.map(([path]) => `differs  ${path}`).join("\n")}\nRun \`node scripts/validators.mjs\` and commit it.`,
  );
  process.exit(1);
}

function camel(name) {
  return name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
}
