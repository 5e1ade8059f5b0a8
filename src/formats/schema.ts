import type { Value } from "../core/brand.ts";
import { type Problem, problem } from "../core/problem.ts";
import { suggest } from "../core/suggest.ts";
import { describe } from "./excerpt.ts";
import { andMore, inTextOrder, type Located, mostProblems, type Path, pathText } from "./located.ts";
import { type SchemaError, type SchemaName, validators } from "./validators.generated.js";

/**
 * What of a value does not fit a published schema, each at its place, in the order of the text: what was expected,
 * what stands there, and what to write instead (requirements S2-007, S2-124).
 */
export function checkSchema(name: SchemaName, located: Located): readonly Problem[] {
  const validate = validators[name];
  if (validate(located.value)) return [];
  const errors = tellingErrors(validate.errors ?? []);
  const problems = errors.slice(0, mostProblems).map((error) => problemOf(error, located));
  return [...inTextOrder(problems), ...andMore(errors.length - problems.length)];
}

/**
 * A condition that failed is told by what it asks for, a key that does not fit by its own name, and a value that is of
 * the wrong kind and not in the list of words by the list.
 */
function tellingErrors(errors: readonly SchemaError[]): readonly SchemaError[] {
  const listed = new Set(errors.filter(({ keyword }) => keyword === "enum").map(({ instancePath }) => instancePath));
  return errors.filter(
    ({ keyword, propertyName, instancePath }) =>
      keyword !== "if" && propertyName === undefined && !(keyword === "type" && listed.has(instancePath)),
  );
}

/** What is wrong, without the place; `part` is what the path must still gain to reach it. */
type Finding = Omit<Problem, "severity" | "where"> & { readonly part?: string };

function problemOf(error: SchemaError, located: Located): Problem {
  const path = pathOf(error.instancePath, located.value);
  const { code, what, part, ...rest } = findingOf(error, path.length === 0 ? "The document" : `\`${pathText(path)}\``);
  const whole = part === undefined ? path : [...path, part];
  const where = located.place(whole);
  return problem(code, what, { where: whole.length === 0 ? where : { ...where, path: pathText(whole) }, ...rest });
}

function findingOf(error: SchemaError, subject: string): Finding {
  const { keyword, params, data } = error;
  const received = describe(data);
  switch (keyword) {
    case "additionalProperties":
    case "unevaluatedProperties":
      return unknownKey(error, String(params["additionalProperty"] ?? params["unevaluatedProperty"]));
    case "required":
      return missingKey(error, String(params["missingProperty"]), subject);
    case "type":
      return wrongType(error, subject);
    case "enum":
    case "const":
      return notOneOf(error, subject);
    case "pattern":
      return {
        code: "bad-pattern",
        what: `${subject} is not written as it must be.`,
        expected: `text that fits ${String(params["pattern"])}${explained(error)}`,
        received,
      };
    case "format":
      return {
        code: "bad-format",
        what: `${subject} is not a point in time.`,
        expected: `a time such as 2026-11-20T21:40:11Z${explained(error)}`,
        received,
      };
    case "propertyNames": {
      const key = String(params["propertyName"]);
      return {
        code: "bad-key",
        what: `The key \`${key}\` is not written as keys are here.`,
        part: key,
        expected: keyRule(error),
        received: describe(key),
      };
    }
    case "uniqueItems":
      return {
        code: "duplicate-item",
        what: `${subject} holds the same entry twice.`,
        received: `entries ${String(params["j"])} and ${String(params["i"])}, counted from 0`,
        fix: "Take one of them out.",
      };
    default:
      return (
        boundOf(error, subject) ?? {
          code: "bad-value",
          what: `${subject} does not fit: ${error.message ?? keyword}.`,
          received,
        }
      );
  }
}

function unknownKey(error: SchemaError, key: string): Finding {
  const known = Object.keys(propertiesOf(error));
  const near = suggest(key, known);
  return {
    code: "unknown-key",
    what: `There is no key \`${key}\` here.`,
    part: key,
    expected: `one of ${known.join(", ")}`,
    received: describe(key),
    fix: near ? `Did you mean \`${near}\`?` : "Take it out, or put its content under one of the keys that exist.",
  };
}

function missingKey(error: SchemaError, key: string, subject: string): Finding {
  const keys = Object.keys((error.data ?? {}) as object);
  const near = suggest(key, keys);
  const meaning = propertiesOf(error)[key]?.["description"];
  return {
    code: "missing-key",
    what: `${subject} has no \`${key}\`.`,
    part: key,
    expected: typeof meaning === "string" ? meaning : `a value for \`${key}\``,
    received: describe(error.data),
    fix: near ? `Did you mean \`${key}\` where \`${near}\` stands?` : `Add \`${key}:\` with its value.`,
  };
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  null: "nothing",
};

function wrongType({ params, data }: SchemaError, subject: string): Finding {
  const types = [params["type"]].flat().map(String);
  const fix = types.map((type) => remedyOf(type, data)).find((text) => text !== undefined);
  return {
    code: "wrong-type",
    what: `${subject} is of the wrong kind.`,
    expected: types.map((type) => typeNames[type] ?? type).join(" or "),
    received: describe(data),
    ...(fix && { fix }),
  };
}

/** What to write when a value of this type is wanted and something else stands there. */
function remedyOf(type: string, data: unknown): string | undefined {
  const isScalar = data !== null && typeof data !== "object";
  if (type === "string" && isScalar) return `Put it in quotes: ${JSON.stringify(String(data))}.`;
  if (type === "array" && isScalar) return "Write a list: one line `- entry` for each entry.";
  if (type === "boolean" && typeof data === "string") return "Write true or false, without quotes.";
  if ((type === "number" || type === "integer") && typeof data === "string")
    return "Write digits, without quotes or words.";
  return undefined;
}

function notOneOf({ params, data }: SchemaError, subject: string): Finding {
  const allowed = ([params["allowedValues"] ?? params["allowedValue"]].flat() as readonly unknown[]).map(String);
  const near = typeof data === "string" ? suggest(data, allowed) : undefined;
  return {
    code: "not-one-of",
    what: `${subject} is not one of the words that are known here.`,
    expected: allowed.length === 1 ? allowed.join() : `one of ${allowed.join(", ")}`,
    received: describe(data),
    fix: near ? `Did you mean \`${near}\`?` : "Write one of these words.",
  };
}

/** What a bound counts: `minLength` counts characters. */
const counted: Readonly<Record<string, readonly [one: string, many: string]>> = {
  Length: ["character", "characters"],
  Items: ["entry", "entries"],
  Properties: ["key", "keys"],
};
const sides = { min: "at least", max: "at most", exclusiveMin: "more than", exclusiveMax: "less than" };

function boundOf({ keyword, params, data }: SchemaError, subject: string): Finding | undefined {
  const [, side, unit = ""] =
    /^(min|max|exclusiveMin|exclusiveMax)(imum|Length|Items|Properties)$/u.exec(keyword) ?? [];
  if (side === undefined) return undefined;
  const limit = Number(params["limit"]);
  const noun = counted[unit]?.[limit === 1 ? 0 : 1];
  const size = side.endsWith("in") ? (noun && limit === 1 ? "empty" : "too small") : "too large";
  return {
    code: "out-of-range",
    what: `${subject} is ${size}.`,
    expected: `${sides[side as keyof typeof sides]} ${limit}${noun ? ` ${noun}` : ""}`,
    received: describe(data),
  };
}

const propertiesOf = ({ parentSchema }: SchemaError): Readonly<Record<string, Readonly<Record<string, unknown>>>> =>
  (parentSchema?.["properties"] ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What the schema says of the value in words. */
const explained = ({ parentSchema }: SchemaError): string => {
  const text = parentSchema?.["description"];
  return typeof text === "string" ? ` (${text.replace(/\.$/u, "")})` : "";
};

const keyRule = ({ schema }: SchemaError): string => {
  const { description, pattern } = (schema ?? {}) as { readonly description?: string; readonly pattern?: string };
  return description ?? (pattern === undefined ? "another name" : `a name like ${pattern}`);
};

/** A JSON pointer as a path; a number is a position only where there is a list. */
function pathOf(pointer: string, root: Value): Path {
  const path: (string | number)[] = [];
  let value: unknown = root;
  for (const raw of pointer.split("/").slice(1)) {
    const key = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    const part = Array.isArray(value) ? Number(key) : key;
    path.push(part);
    value = (value as Readonly<Record<string | number, unknown>> | null)?.[part];
  }
  return path;
}
