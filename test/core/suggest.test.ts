import fc from "fast-check";
import { expect, test } from "vitest";
import { suggest } from "../../src/core/suggest.ts";

const verbs = ["run", "status", "answer", "resume", "rollback", "retry"];

test.each([
  ["staus", "status"],
  ["sttaus", "status"],
  ["RESUME", "resume"],
  ["rollbck", "rollback"],
  ["anwser", "answer"],
  ["rnu", "run"],
])("%s was meant to be %s", (given, meant) => expect(suggest(given, verbs)).toBe(meant));

test.each(["", "rx", "delete", "statistics", "r"])("%j is near to nothing", (given) => {
  expect(suggest(given, verbs)).toBeUndefined();
});

test("of equally near words the first wins", () => expect(suggest("bat", ["cat", "hat", "rat"])).toBe("cat"));

test("a nearer word wins over an earlier one", () =>
  expect(suggest("timeouts", ["timely", "timeout"])).toBe("timeout"));

test("a word as short as the slips that are forgiven is never proposed", () => {
  expect(suggest("abcd", ["cd", "ab"])).toBeUndefined();
  expect(suggest("x", ["y"])).toBeUndefined();
});

test("a known word is its own suggestion", () => {
  fc.assert(fc.property(fc.constantFrom(...verbs), (word) => suggest(word, verbs) === word));
});

test("one letter dropped from a longer word is forgiven", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{5,20}$/), fc.nat(), (word, at) => {
      const dropped = word.slice(0, at % word.length) + word.slice((at % word.length) + 1);
      expect(suggest(dropped, [word])).toBe(word);
    }),
  );
});
