import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { replay } from "../src/core/fold.ts";
import { readJournal } from "../src/formats/journal.ts";

/**
 * Journals of released engines, as they lie on a branch. They are never edited: folding one must give the same state for
 * ever, because somebody's run is waiting in just this form. A changed meaning is a new event, and a new golden journal.
 */
const root = new URL("golden/journals/", import.meta.url);
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

test.each(readdirSync(root))("J2 %s still chains and folds into the state it always did", (name) => {
  const folder = new URL(`${name}/`, root);
  const paths = readdirSync(new URL("journal/", folder), { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".jsonl"),
  );
  const segments = new Map(
    paths.map((path) => [`journal/${path}`, readFileSync(new URL(`journal/${path}`, folder), "utf8")]),
  );
  const read = readJournal(segments, sha256);
  expect(read.status).toBe("intact");
  const state = read.status === "intact" ? replay(read.events) : undefined;
  expect(existsSync(new URL("state.json", folder)), "the state that it gave when it was recorded").toBe(true);
  expect(JSON.parse(JSON.stringify(state))).toEqual(JSON.parse(readFileSync(new URL("state.json", folder), "utf8")));
});
