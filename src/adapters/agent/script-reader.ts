import type { Value, ValueMap } from "../../core/brand.ts";
import { ok, type Problem, problem, type Result, refuse } from "../../core/problem.ts";
import { failureClasses } from "../../core/retry.ts";
import { nothingSpent, type Spending } from "../../core/spending.ts";
import { suggest } from "../../core/suggest.ts";
import { type Located, type Path, pathText } from "../../formats/located.ts";
import { type Edit, type Replacement, type Script, type Turn, turnName } from "./script.ts";

/** Reads a recorded script: `turns`, or the bare list of them. Every problem says where in the text it is. */
export function readScript(located: Located): Result<Script> {
  const problems: Problem[] = [];
  const reader = readerOf(located, problems);
  const isBare = Array.isArray(located.value);
  const top = isBare ? { turns: located.value } : reader.map(located.value, [], ["turns"]);
  const at: Path = isBare ? [] : ["turns"];
  const turns = reader.list(top["turns"], at).map((turn, index) => turnOf(reader, turn, [...at, index]));
  for (const [index, turn] of turns.entries()) {
    const first = turns.findIndex((other) => other.skill === turn.skill && other.visit === turn.visit);
    if (first < index) reader.fault([...at, index], `The turn \`${turnName(turn.skill, turn.visit)}\` is there twice.`);
  }
  return problems.length > 0 ? refuse(...problems) : ok({ turns });
}

const turnKeys = ["skill", "visit", "doing", "delay_ms", "edits", "documents", "spending", "text", "outcome"];

function turnOf(reader: Reader, value: Value | undefined, at: Path): Turn {
  const turn = reader.map(value, at, turnKeys);
  const skill = reader.text(turn, "skill", at);
  const visit = reader.number(turn, "visit", at);
  const documents = reader.map(turn["documents"] ?? {}, [...at, "documents"]);
  return {
    ...(skill !== undefined && { skill }),
    ...(visit !== undefined && { visit }),
    doing: reader
      .list(turn["doing"] ?? [], [...at, "doing"])
      .map((line, index) => reader.textOf(line, [...at, "doing", index])),
    delayMs: reader.number(turn, "delay_ms", at) ?? 0,
    edits: reader
      .list(turn["edits"] ?? [], [...at, "edits"])
      .map((edit, index) => editOf(reader, edit, [...at, "edits", index])),
    documents: Object.fromEntries(
      Object.entries(documents).map(([file, text]) => [file, reader.textOf(text, [...at, "documents", file])]),
    ),
    spending: spendingOf(reader, turn["spending"], [...at, "spending"]),
    outcome: outcomeOf(reader, turn, at),
  };
}

function outcomeOf(reader: Reader, turn: ValueMap, at: Path): Turn["outcome"] {
  if (turn["outcome"] === undefined) return { kind: "done", text: reader.text(turn, "text", at) ?? "" };
  const here = [...at, "outcome"];
  const outcome = reader.map(turn["outcome"], here, ["failed", "message"]);
  const named = reader.text(outcome, "failed", here);
  const cls = failureClasses.find((known) => known === named);
  if (!cls) reader.fault([...here, "failed"], "The outcome names no class of failure.", failureClasses.join(", "));
  const message = reader.text(outcome, "message", here) ?? "The recorded turn fails.";
  return { kind: "failed", class: cls ?? "refused", message };
}

function editOf(reader: Reader, value: Value, at: Path): Edit {
  const edit = reader.map(value, at, ["path", "content", "replace", "delete"]);
  const path = reader.textOf(edit["path"], [...at, "path"]);
  const ways = ["content", "replace", "delete"].filter((key) => key in edit);
  if (ways.length !== 1) reader.fault(at, "An edit does one thing.", "one of content, replace, delete");
  if ("content" in edit) return { kind: "write", path, content: reader.text(edit, "content", at) ?? "" };
  if (edit["delete"] === true) return { kind: "delete", path };
  const replace = reader.list(edit["replace"], [...at, "replace"]).map((one, index): Replacement => {
    const here = [...at, "replace", index];
    const pair = reader.map(one, here, ["find", "with"]);
    return { find: reader.text(pair, "find", here) ?? "", with: reader.textOf(pair["with"], [...here, "with"]) };
  });
  checkReplacements(reader, replace, [...at, "replace"]);
  return { kind: "replace", path, replace };
}

/** A replacement must still be recognisable after the later ones, or it could not be seen to be done. */
function checkReplacements(reader: Reader, replace: readonly Replacement[], at: Path): void {
  for (const [index, { find }] of replace.entries()) {
    if (find === "") reader.fault([...at, index], "An empty text cannot be found.", "a text that is there once");
    const meets = replace.slice(0, index).some((earlier) => earlier.with.includes(find) && find !== "");
    if (meets) reader.fault([...at, index, "find"], "This finds what an earlier replacement writes; make them one.");
  }
}

function spendingOf(reader: Reader, value: Value | undefined, at: Path): Spending {
  const spending = reader.map(value ?? {}, at, ["usd", "input_tokens", "output_tokens", "turns"]);
  return {
    ...nothingSpent,
    usd: reader.number(spending, "usd", at) ?? 0,
    inputTokens: reader.number(spending, "input_tokens", at) ?? 0,
    outputTokens: reader.number(spending, "output_tokens", at) ?? 0,
    turns: reader.number(spending, "turns", at) ?? 0,
  };
}

type Reader = ReturnType<typeof readerOf>;

/** Takes values of the expected kinds, and notes a problem (and gives something harmless) for every other. */
function readerOf(located: Located, problems: Problem[]) {
  const fault = (at: Path, what: string, expected?: string, fix?: string): void => {
    problems.push(
      problem("bad-script", what, {
        where: { ...located.place(at), path: pathText(at) },
        ...(expected !== undefined && { expected }),
        ...(fix !== undefined && { fix }),
      }),
    );
  };
  const wrong = (at: Path, expected: string): void => fault(at, `\`${pathText(at)}\` is something else.`, expected);
  const textOf = (value: Value | undefined, at: Path): string => {
    if (typeof value === "string") return value;
    wrong(at, "text");
    return "";
  };
  return {
    fault,
    textOf,
    text: (map: ValueMap, key: string, at: Path): string | undefined =>
      map[key] === undefined ? undefined : textOf(map[key], [...at, key]),
    number(map: ValueMap, key: string, at: Path): number | undefined {
      const value = map[key];
      if (value === undefined || (typeof value === "number" && value >= 0)) return value;
      wrong([...at, key], "a number, 0 or more");
      return undefined;
    },
    list(value: Value | undefined, at: Path): readonly Value[] {
      if (Array.isArray(value)) return value;
      wrong(at, "a list");
      return [];
    },
    map(value: Value | undefined, at: Path, known?: readonly string[]): ValueMap {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        wrong(at, "a map");
        return {};
      }
      for (const key of Object.keys(value)) {
        if (known === undefined || known.includes(key)) continue;
        const near = suggest(key, known);
        fault([...at, key], `\`${key}\` is unknown.`, known.join(", "), near && `Did you mean \`${near}\`?`);
      }
      return value as ValueMap;
    },
  };
}
