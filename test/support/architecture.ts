import { isBuiltin } from "node:module";
import { dirname, join } from "node:path/posix";
import { type Program, parseSync } from "oxc-parser";

/**
 * The layer table of ARCHITECTURE.md as data, and a checker that reads real syntax trees. It takes paths and texts, so
 * that a test can plant a fault without touching the disk.
 */
interface Layer {
  /** Layers it may import. `self` is the own folder below the layer: adapters/store may import adapters/store. */
  readonly imports: readonly (LayerName | "self")[];
  /** Packages by name or by path prefix; `any` also allows what is named only at run time. */
  readonly packages: readonly string[] | "any";
  readonly node: boolean;
  /** Pure layers get time, randomness and the environment as arguments. */
  readonly pure: "strictly" | "but for dates" | "no";
}
type LayerName = "core" | "formats" | "ports" | "engine" | "adapters" | "entry";

const layers: Readonly<Record<LayerName, Layer>> = {
  core: { imports: ["core"], packages: [], node: false, pure: "strictly" },
  formats: {
    imports: ["core", "formats"],
    packages: ["yaml", "liquidjs", "@actions/expressions", "ajv/dist/runtime"],
    node: false,
    pure: "but for dates",
  },
  ports: { imports: ["core", "ports"], packages: [], node: false, pure: "no" },
  engine: { imports: ["core", "ports", "engine"], packages: [], node: false, pure: "no" },
  adapters: { imports: ["core", "formats", "ports", "self"], packages: "any", node: true, pure: "no" },
  entry: {
    imports: ["core", "formats", "ports", "engine", "adapters", "entry"],
    packages: "any",
    node: true,
    pure: "no",
  },
};

const budget = { median: 90, p90: 200, max: 300 };

/** Paths like `src/core/plan.ts` and what is in them. */
export type Sources = ReadonlyMap<string, string>;

/** Everything in the sources that breaks the table, one sentence each; empty when they keep to it. */
export function violations(sources: Sources): readonly string[] {
  const files = [...sources].map(([path, text]) => ({ path, text, tree: treeOf(path, text) }));
  return [
    ...files.flatMap(({ path, tree }) => importFaults(path, importsOf(tree))),
    ...files.flatMap(({ path, tree }) => purityFaults(path, tree)),
    ...files.flatMap(({ path, tree }) => (isGenerated(path) ? [] : defaultExportFaults(path, tree))),
    ...cycles(new Map(files.map(({ path, tree }) => [path, targetsOf(path, importsOf(tree), sources)]))),
    ...budgetFaults(files.filter(({ path }) => !isGenerated(path))),
  ];
}

function treeOf(path: string, text: string): Program {
  const { program, errors } = parseSync(path, text);
  if (errors[0]) throw new Error(`${path} does not parse: ${errors[0].message}`);
  return program;
}

const isGenerated = (path: string): boolean => path.includes(".generated.");

// --- imports ---------------------------------------------------------------------------------------------------------

/** Specifiers of `import`, `import type`, `export … from`, `import()` and `import("…").Type`; null if not a literal. */
function importsOf(tree: Program): readonly (string | null)[] {
  const found: (string | null)[] = [];
  walk(tree, (node) => {
    if (!importingNodes.has(node.type) || !isNode(node["source"])) return;
    const literal = node["source"]["value"];
    found.push(typeof literal === "string" ? literal : null);
  });
  return found;
}
const importingNodes = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
]);

function importFaults(path: string, imports: readonly (string | null)[]): readonly string[] {
  const name = layerOf(path);
  if (name === undefined) return [`${path} is in no layer (${Object.keys(layers).join(", ")})`];
  const layer = layers[name];
  return imports.flatMap((specifier) => {
    const fault = importFault(path, layer, specifier);
    return fault === undefined ? [] : [`${path} imports ${fault}; ${name} may not`];
  });
}

function importFault(path: string, layer: Layer, specifier: string | null): string | undefined {
  if (specifier === null) return layer.packages === "any" ? undefined : "what is known only at run time";
  if (specifier.startsWith(".")) {
    const target = join(dirname(path), specifier);
    const its = layerOf(target);
    if (its === undefined) return `${target}, which is in no layer`;
    const own = layer.imports.includes("self") && unitOf(target) === unitOf(path);
    return own || layer.imports.includes(its) ? undefined : target;
  }
  if (isBuiltin(specifier)) return layer.node ? undefined : specifier;
  if (layer.packages === "any") return undefined;
  return layer.packages.some((name) => specifier === name || specifier.startsWith(`${name}/`)) ? undefined : specifier;
}

function layerOf(path: string): LayerName | undefined {
  const [root, layer, ...below] = path.split("/");
  return root === "src" && below.length > 0 && layer !== undefined && Object.hasOwn(layers, layer)
    ? (layer as LayerName)
    : undefined;
}

/** `src/adapters/store` for all of that folder, and for `src/adapters/store.ts`. */
const unitOf = (path: string): string => path.split("/").slice(0, 3).join("/").replace(/\.ts$/, "");

// --- cycles ----------------------------------------------------------------------------------------------------------

function targetsOf(path: string, imports: readonly (string | null)[], sources: Sources): readonly string[] {
  return imports.flatMap((specifier) => {
    const target = specifier?.startsWith(".") ? join(dirname(path), specifier) : undefined;
    return target !== undefined && sources.has(target) ? [target] : [];
  });
}

/** Depth first; type imports count, because two files that need each other's types hold one idea. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push(`import cycle: ${[...trail.slice(trail.indexOf(path)), path].join(" → ")}`);
    if (done.has(path) || trail.includes(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

// --- purity ----------------------------------------------------------------------------------------------------------

/** Time, randomness, the environment and the world; and the objects through which all of them can be had. */
const impure = new Set([
  ...["process", "console", "globalThis", "global", "performance", "crypto", "fetch", "require"],
  ...["setTimeout", "setInterval", "setImmediate", "queueMicrotask"],
]);

function purityFaults(path: string, tree: Program): readonly string[] {
  const layer = layerOf(path);
  const pure = layer === undefined ? "no" : layers[layer].pure;
  if (pure === "no") return [];
  const found: string[] = [];
  walk(tree, (node, parent) => {
    const use = isMention(node, parent) ? impureUse(String(node["name"]), node, parent, pure) : undefined;
    if (use !== undefined) found.push(`${path} uses ${use}; ${layer} is pure`);
  });
  return found;
}

/** A local of the same name is refused too: a reader should not have to ask which one it is. */
function impureUse(name: string, node: Node, parent: Node, pure: Layer["pure"]): string | undefined {
  if (impure.has(name)) return name;
  const member = parent.type === "MemberExpression" && parent["object"] === node ? memberName(parent) : undefined;
  if (name === "Math") return member === undefined || member === "random" ? `Math.${member ?? "*"}` : undefined;
  if (name !== "Date") return undefined;
  if (pure === "strictly") return "Date";
  if (member !== undefined) return member === "now" ? "Date.now" : undefined;
  const made = parent.type === "NewExpression" && Array.isArray(parent["arguments"]) && parent["arguments"].length > 0;
  const compared = parent.type === "BinaryExpression" && parent["operator"] === "instanceof";
  return made || compared || parent.type === "TSTypeReference" ? undefined : "the clock behind Date";
}

/** An identifier that stands for a value or a type, not one that merely names a property or an export. */
function isMention(node: Node, parent: Node): boolean {
  if (node.type !== "Identifier") return false;
  if (parent.type === "ImportSpecifier" || parent.type === "ExportSpecifier") return parent["local"] === node;
  const names = parent["key"] === node || parent["property"] === node || parent["right"] === node;
  return !names || parent["computed"] === true || !namingNodes.has(parent.type);
}
const namingNodes = new Set([
  "MemberExpression",
  "Property",
  "MethodDefinition",
  "PropertyDefinition",
  "TSPropertySignature",
  "TSMethodSignature",
  "TSQualifiedName",
]);

function memberName(member: Node): string | undefined {
  const property = isNode(member["property"]) ? member["property"] : undefined;
  const name = member["computed"] === true ? property?.["value"] : property?.["name"];
  return typeof name === "string" ? name : undefined;
}

// --- shape -----------------------------------------------------------------------------------------------------------

function defaultExportFaults(path: string, tree: Program): readonly string[] {
  const found: string[] = [];
  walk(tree, (node) => {
    const renamed =
      node.type === "ExportSpecifier" && isNode(node["exported"]) && node["exported"]["name"] === "default";
    if (renamed || node.type === "ExportDefaultDeclaration") found.push(`${path} has a default export; name it`);
  });
  return found;
}

function budgetFaults(files: readonly { readonly path: string; readonly text: string }[]): readonly string[] {
  const sizes = files.map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }));
  const sorted = sizes.map(({ lines }) => lines).sort((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  const p90 = sorted[Math.ceil(sorted.length * 0.9) - 1] ?? 0;
  return [
    ...sizes
      .filter(({ lines }) => lines > budget.max)
      .map(({ path, lines }) => `${path} has ${lines} lines, more than ${budget.max}: it holds two ideas`),
    ...(median > budget.median ? [`the median file has ${median} lines, more than ${budget.median}`] : []),
    ...(p90 > budget.p90 ? [`a file in ten has ${p90} lines or more, and ${budget.p90} is the most`] : []),
  ];
}

// --- trees -----------------------------------------------------------------------------------------------------------

type Node = { readonly type: string } & Readonly<Record<string, unknown>>;
const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";

function walk(root: Program, visit: (node: Node, parent: Node) => void): void {
  const enter = (value: unknown, parent: Node): void => {
    if (Array.isArray(value)) for (const item of value) enter(item, parent);
    if (!isNode(value)) return;
    visit(value, parent);
    for (const child of Object.values(value)) enter(child, value);
  };
  for (const statement of root.body) enter(statement, { type: "Program" });
}
