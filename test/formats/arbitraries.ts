import fc from "fast-check";
import type { Value, ValueMap } from "../../src/core/brand.ts";

const reserved = new Set(["__proto__", "constructor", "prototype"]);
const signs = [..." \n\t:#-'\"|>&*!%@`{}[],?a1.~e\r\u0085\u2028\uFEFF\u0000"];

/** Text that is all signs which mean something to YAML, the worst of every alphabet. */
export const yamlSigns = fc.string({ unit: fc.constantFrom(...signs) });

/** Any text, halves of characters and control signs included. (`unit: "binary"` takes a second to get ready.) */
export const anyText = fc.oneof(
  fc.string(),
  fc.array(fc.nat(0xffff), { maxLength: 12 }).map((units) => String.fromCharCode(...units)),
);

const key = fc.oneof(anyText, yamlSigns).filter((text) => !reserved.has(text));
const scalar: fc.Arbitrary<Value> = fc.oneof(
  anyText,
  yamlSigns,
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(tie("value"), { maxLength: 3 }), mapOf(tie("value"))),
}));

function mapOf(values: fc.Arbitrary<Value>): fc.Arbitrary<ValueMap> {
  return fc.dictionary(key, values, { noNullPrototype: true, maxKeys: 3 });
}

/** Any map that JSON can hold. */
export const anyMap: fc.Arbitrary<ValueMap> = mapOf(value);

/** Words of a language in any order, so that a parser gets past its first token. */
export const wordsOf = (...words: readonly string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...words)).map((chosen) => chosen.join(""));
