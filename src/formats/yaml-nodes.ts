import { isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap, type YAMLSeq } from "yaml";
import type { Value } from "../core/brand.ts";
import { type Place, type Problem, problem, type Result, refuse } from "../core/problem.ts";
import { describe, excerpt } from "./excerpt.ts";
import { andMore, type Located, mostProblems, type Path, pathText } from "./located.ts";

const deepest = 100;
const mostValues = 50_000;
/** Keys that would reach a prototype instead of making an entry. */
const reservedKeys = new Set(["__proto__", "constructor", "prototype"]);

/** One reading of one tree: what was found so far, and what may still be taken. */
interface Reading {
  readonly at: (offset: number) => Place;
  readonly problems: Problem[];
  /** What each anchor stands for by now; `undefined` while the node that bears it is still being read. */
  readonly anchors: Map<string, Anchored | undefined>;
  readonly targets: Map<Node, Node>;
  /** Values made so far, those behind aliases counted every time they are used. */
  values: number;
}

interface Anchored {
  readonly node: Node;
  readonly value: Value;
  readonly size: number;
}

/**
 * A parsed tree as plain data. Keys are text, each once in its map; values are what JSON can hold; an alias stands for
 * the same value, within limits; everything else is a problem with its place.
 */
export function readNodes(root: Node | null, at: (offset: number) => Place): Result<Located> {
  const reading: Reading = { at, problems: [], anchors: new Map(), targets: new Map(), values: 0 };
  const value = readNode(root, [], reading);
  const told = reading.problems.slice(0, mostProblems);
  if (told.length > 0) return refuse(...told, ...andMore(reading.problems.length - told.length));
  return { ok: true, value: { value, place: (path) => placeOf(root, path, reading) } };
}

function readNode(node: Node | null, path: Path, reading: Reading): Value {
  if (node === null || isFull(node, path, reading)) return null;
  if (isAlias(node)) return readAlias(node.source, node, path, reading);
  const before = reading.values;
  reading.values += 1;
  if (node.anchor !== undefined) reading.anchors.set(node.anchor, undefined);
  const value = readPlain(node, path, reading);
  if (node.anchor !== undefined) {
    reading.anchors.set(node.anchor, { node, value, size: reading.values - before });
  }
  return value;
}

function readPlain(node: Node, path: Path, reading: Reading): Value {
  if (isMap(node)) return readMap(node as YAMLMap<Node | null, Node | null>, path, reading);
  if (isSeq(node))
    return (node as YAMLSeq<Node | null>).items.map((item, index) => readNode(item, [...path, index], reading));
  if (isScalar(node)) return readScalar(node, path, reading);
  return null;
}

function readMap(node: YAMLMap<Node | null, Node | null>, path: Path, reading: Reading): Value {
  const entries = new Map<string, Value>();
  const lines = new Map<string, Place>();
  for (const pair of node.items) {
    const key = keyText(pair.key);
    const inside = key === undefined ? path : [...path, key];
    const where = named(reading.at(offsetOf(pair.key) ?? offsetOf(node) ?? 0), inside);
    const first = key === undefined ? undefined : lines.get(key);
    const wrong = key === undefined ? oddKey(where) : first ? duplicateKey(key, first, where) : reservedKey(key, where);
    if (wrong) reading.problems.push(wrong);
    if (wrong || key === undefined) continue;
    lines.set(key, where);
    entries.set(key, readNode(pair.value, inside, reading));
  }
  return Object.fromEntries(entries);
}

/** Keys are text in JSON; a number or a word such as `true` stands for its own spelling. */
function keyText(key: Node | null): string | undefined {
  if (!isScalar(key)) return undefined;
  if (typeof key.value === "string") return key.value;
  return key.source === undefined || key.source === "" ? undefined : key.source;
}

function readScalar(node: Scalar, path: Path, reading: Reading): Value {
  const { value, source } = node;
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "number" && Number.isFinite(value) && !losesDigits(value, source)) return value;
  reading.problems.push(
    problem("not-json", "This is not a value that JSON can hold.", {
      where: named(reading.at(offsetOf(node) ?? 0), path),
      expected: "text, a number of at most 15 digits, true, false or null",
      received: excerpt(source ?? String(value)),
      fix: "Put it in quotes.",
    }),
  );
  return null;
}

/** Whether a whole number, such as a long id or a commit, would come out as another number. */
const losesDigits = (value: number, source: string | undefined): boolean =>
  source !== undefined && /^[-+]?\d+$/u.test(source) && !Number.isSafeInteger(value) && String(value) !== source;

function readAlias(name: string, node: Node, path: Path, reading: Reading): Value {
  const anchored = reading.anchors.get(name);
  if (anchored) {
    reading.values += anchored.size;
    reading.targets.set(node, anchored.node);
    return anchored.value;
  }
  const where = named(reading.at(offsetOf(node) ?? 0), path);
  reading.problems.push(
    reading.anchors.has(name)
      ? problem("alias-cycle", `\`*${name}\` stands inside what it stands for.`, { where, fix: "Write the value out." })
      : problem("unknown-alias", `\`*${name}\` refers to no anchor above it.`, {
          where,
          expected: `\`&${name}\` before it, or text in quotes`,
          received: excerpt(`*${name}`),
          fix: "Put text that begins with `*` in quotes.",
        }),
  );
  return null;
}

/** Whether a limit is reached; said once, and then nothing more is taken. */
function isFull(node: Node, path: Path, reading: Reading): boolean {
  if (path.length <= deepest && reading.values <= mostValues) return false;
  const code = path.length > deepest ? "too-deep" : reading.targets.size > 0 ? "alias-bomb" : "too-large";
  if (!reading.problems.some((known) => known.code === code)) {
    const where = reading.at(offsetOf(node) ?? 0);
    reading.problems.push(problem(code, limits[code].what, { where, ...limits[code].advice }));
  }
  return true;
}

const tooMany = { expected: `at most ${mostValues} values`, fix: "Say it with fewer values." };
const limits = {
  "too-deep": {
    what: "Maps and lists are nested too deeply.",
    advice: { expected: `at most ${deepest} levels`, fix: "Make the structure flatter." },
  },
  "alias-bomb": { what: "There are too many values, those behind aliases included.", advice: tooMany },
  "too-large": { what: "There are too many values.", advice: tooMany },
};

const oddKey = (where: Place): Problem =>
  problem("odd-key", "A key here is not text.", {
    where,
    expected: "a word before the `:`",
    fix: "Give the entry a name; text that holds `{`, `[` or `: ` must stand in quotes.",
  });

const duplicateKey = (key: string, first: Place, where: Place): Problem =>
  problem("duplicate-key", `The key \`${excerpt(key)}\` stands here twice.`, {
    where,
    expected: "every key once",
    received: `first at line ${first.line ?? 1}`,
    fix: "Take one of the two out, or join their values.",
  });

const reservedKey = (key: string, where: Place): Problem | undefined =>
  reservedKeys.has(key)
    ? problem("reserved-key", `The key \`${key}\` is not allowed.`, {
        where,
        received: describe(key),
        fix: "Give the entry another name.",
      })
    : undefined;

const named = (place: Place, path: Path): Place => (path.length === 0 ? place : { ...place, path: pathText(path) });
const offsetOf = (node: Node | null): number | undefined => node?.range?.[0];

/** Follows a path as far as it goes, and says where the last entry on the way begins. */
function placeOf(root: Node | null, path: Path, reading: Reading): Place {
  let node = root;
  let offset = offsetOf(root) ?? 0;
  for (const part of path) {
    const target: Node | null = node && (reading.targets.get(node) ?? node);
    const step = target && stepInto(target, part);
    if (!step) break;
    offset = step.offset;
    node = step.node;
  }
  return named(reading.at(offset), path);
}

function stepInto(
  node: Node,
  part: string | number,
): { readonly offset: number; readonly node: Node | null } | undefined {
  if (isMap(node)) {
    const pair = (node as YAMLMap<Node | null, Node | null>).items.find(({ key }) => keyText(key) === part);
    const offset = pair && offsetOf(pair.key);
    return pair && offset !== undefined ? { offset, node: pair.value } : undefined;
  }
  const item = isSeq(node) && typeof part === "number" ? (node as YAMLSeq<Node | null>).items[part] : undefined;
  const offset = offsetOf(item ?? null);
  return item && offset !== undefined ? { offset, node: item } : undefined;
}
