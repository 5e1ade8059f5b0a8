import { data } from "@actions/expressions";
import type { Value, ValueMap } from "../core/brand.ts";

type Data = ReturnType<data.Dictionary["values"]>[number];

/**
 * A value as the expression library sees it. A map is converted entry by entry when it is asked, so that a condition
 * over one step costs the same in a run of five steps and of five hundred.
 */
function dataOf(value: Value): Data {
  if (value === null) return new data.Null();
  if (typeof value === "string") return new data.StringData(value);
  if (typeof value === "number") return new data.NumberData(value);
  if (typeof value === "boolean") return new data.BooleanData(value);
  if (!isList(value)) return dictionaryOf(value);
  const list = new data.Array();
  for (const item of value) list.add(dataOf(item));
  return list;
}

function dictionaryOf(fields: ValueMap): data.Dictionary {
  const dictionary = new data.Dictionary();
  dictionary.get = (key) => {
    const value = entryOf(fields, key);
    return value === undefined ? undefined : dataOf(value);
  };
  dictionary.values = () => Object.values(fields).map(dataOf);
  dictionary.pairs = () => Object.entries(fields).map(([key, value]) => ({ key, value: dataOf(value) }));
  return dictionary;
}

/** The scope as the library's context: a name that is not there is null, as GitHub has it for properties. */
export function contextOf(scope: ValueMap): data.Dictionary {
  const context = dictionaryOf(scope);
  context.get = (name) => dataOf(entryOf(scope, name) ?? null);
  return context;
}

/** GitHub does not look at letter case; two keys that differ in nothing else are told apart here all the same. */
function entryOf(fields: ValueMap, key: string): Value | undefined {
  if (Object.hasOwn(fields, key)) return fields[key];
  const lower = key.toLowerCase();
  const similar = Object.keys(fields).find((name) => name.toLowerCase() === lower);
  return similar === undefined ? undefined : fields[similar];
}

/** What an evaluation gave, as plain data; a number that JSON cannot hold is refused. */
export function plainOf(result: Data): Value {
  if (result instanceof data.StringData || result instanceof data.BooleanData) return result.value;
  if (result instanceof data.NumberData) {
    if (!Number.isFinite(result.value))
      throw new Error(`the result is ${result.value}, which is no number to go on with`);
    return result.value;
  }
  if (result instanceof data.Array) return result.values().map(plainOf);
  if (result instanceof data.Dictionary) {
    return Object.fromEntries(result.pairs().map(({ key, value }) => [key, plainOf(value)]));
  }
  return null;
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);
