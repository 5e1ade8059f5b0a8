import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JournalEvent } from "../../src/core/event.ts";
import {
  emptyJournal,
  type JournalPosition,
  readJournal,
  segmentPath,
  writeSegment,
} from "../../src/formats/journal.ts";
import { aRun, aScribe, completed, created, started } from "../support/store-fixtures.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A journal of some segments, and what it says. */
function aJournal(segments = 3): {
  readonly texts: Map<string, string>;
  readonly events: readonly JournalEvent[];
  readonly end: JournalPosition;
} {
  const scribe = aScribe(aRun());
  const texts = new Map<string, string>();
  let end = emptyJournal;
  for (let index = 0; index < segments; index += 1) {
    const { events } = scribe.next(index === 0 ? [created(aRun()), started("triage")] : [completed(`step-${index}`)]);
    const segment = writeSegment(
      end,
      { events, files: { "state.json": `f${index}`, [`results/${index}.json`]: "r" } },
      digest,
    );
    texts.set(segment.path, segment.text);
    end = segment.position;
  }
  return { texts, events: scribe.events, end };
}

const edited = (
  texts: ReadonlyMap<string, string>,
  segment: number,
  edit: (text: string) => string,
): Map<string, string> =>
  new Map([...texts].map(([path, text]) => [path, path === segmentPath(segment) ? edit(text) : text]));

const lineEdit = (index: number, edit: (line: string) => string) => (text: string) =>
  text
    .split("\n")
    .map((line, at) => (at === index ? edit(line) : line))
    .join("\n");

/** The journal with every hash and link made right again after an edit, as a patient forger would. */
function forged(
  texts: ReadonlyMap<string, string>,
  edit: (event: Record<string, unknown>) => Record<string, unknown>,
): Map<string, string> {
  let prev = "";
  return new Map(
    [...texts].map(([path, text]) => {
      const lines = text
        .split("\n")
        .slice(0, -1)
        .map((line) => {
          const { seal, ...event } = JSON.parse(line) as Record<string, unknown>;
          const body = (seal ?? edit(event)) as Record<string, unknown>;
          const { hash: _, ...rest } = body;
          const names = seal ? ["segment", "seq"] : ["seq", "prev"];
          const known = { ...rest, ...(!seal && { prev }) } as Record<string, unknown>;
          const head = names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(known[name])},`).join("");
          const tail = JSON.stringify(
            Object.fromEntries(Object.entries(known).filter(([name]) => !names.includes(name))),
          ).slice(1);
          const [open, close] = seal ? ['{"seal":{', "}"] : ["{", ""];
          prev = digest(`${prev}\n${open}${head}${tail}${close}`);
          return `${open}${head}"hash":"${prev}",${tail}${close}\n`;
        });
      return [path, lines.join("")] as const;
    }),
  );
}

describe("the text of a journal", () => {
  it("is a line for each event, head first, and a seal", () => {
    const { events } = aScribe(aRun()).next([created(aRun()), started("triage")]);
    const { text, path } = writeSegment(emptyJournal, { events, files: { "state.json": "abc" } }, () => "HASH");
    expect(path).toBe("journal/0000/000001.jsonl");
    expect(text.split("\n").slice(1)).toEqual([
      '{"seq":2,"prev":"HASH","hash":"HASH","id":"step.started:triage:e1:1","type":"step.started","epoch":1,"at":"2026-11-20T21:30:01.000Z","step":"triage","attempt":1}',
      '{"seal":{"segment":1,"seq":2,"hash":"HASH","files":{"state.json":"abc"}}}',
      "",
    ]);
  });

  it("is kept a hundred segments to a folder", () => {
    expect([1, 99, 100, 1_000, 123_456].map(segmentPath)).toEqual([
      "journal/0000/000001.jsonl",
      "journal/0000/000099.jsonl",
      "journal/0001/000100.jsonl",
      "journal/0010/001000.jsonl",
      "journal/1234/123456.jsonl",
    ]);
  });

  it("reads back as the same events, position and files, in whatever order the segments are found", () => {
    const { texts, events, end } = aJournal();
    const read = readJournal(new Map([...texts].reverse()), digest);
    expect(read).toEqual({
      status: "intact",
      events,
      position: end,
      files: { "state.json": "f2", "results/0.json": "r", "results/1.json": "r", "results/2.json": "r" },
    });
  });

  it("survives any text in an event", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), (text, by) => {
        const { events } = aScribe(aRun()).next([created(aRun()), { type: "note.added", text, by }]);
        const segment = writeSegment(emptyJournal, { events, files: {} }, digest);
        // As it comes back from a file.
        const stored = Buffer.from(segment.text).toString("utf8");
        const read = readJournal(new Map([[segment.path, stored]]), digest);
        expect(read).toMatchObject({ status: "intact", events });
      }),
    );
  });
});

describe("J2 a journal that does not chain", () => {
  const { texts } = aJournal();
  const broken = (segments: ReadonlyMap<string, string>) => {
    const read = readJournal(segments, digest);
    return read.status === "broken" ? [read.seq, read.message] : [read.status];
  };

  it("names the first event that was changed", () => {
    expect(
      broken(
        edited(
          texts,
          2,
          lineEdit(0, (line) => line.replace("6 files", "7 files")),
        ),
      ),
    ).toEqual([3, "journal/0000/000002.jsonl: Event 3 is not as it was written: it does not match its own hash."]);
  });

  it("names the place of a removed, a repeated and an exchanged event", () => {
    expect(broken(edited(texts, 1, (text) => text.split("\n").slice(1).join("\n")))[0]).toBe(1);
    expect(broken(edited(texts, 1, (text) => text.split("\n").toSpliced(1, 1).join("\n")))[0]).toBe(2);
    expect(
      broken(
        edited(texts, 1, (text) =>
          text
            .split("\n")
            .toSpliced(1, 0, text.split("\n")[0] ?? "")
            .join("\n"),
        ),
      )[0],
    ).toBe(2);
    expect(
      broken(
        edited(texts, 1, (text) => text.split("\n").slice(0, 2).reverse().concat(text.split("\n").slice(2)).join("\n")),
      )[0],
    ).toBe(1);
  });

  it("names a missing and a renamed segment", () => {
    const without = new Map([...texts].filter(([path]) => path !== segmentPath(2)));
    expect(broken(without)).toEqual([3, "journal/0000/000002.jsonl is missing."]);
    expect(broken(new Map([...texts].map(([path, text]) => [path.replace("000002", "000009"), text])))[0]).toBe(3);
    expect(broken(new Map([...texts, ["journal/README.md", "hello"]]))).toEqual([
      5,
      "journal/0000/000004.jsonl is missing.",
    ]);
  });

  it("is noticed by a seal that is missing, changed or of another segment", () => {
    expect(broken(edited(texts, 3, (text) => `${text.split("\n")[0]}\n`))).toEqual([
      4,
      "journal/0000/000003.jsonl: The segment does not end with its seal.",
    ]);
    expect(broken(edited(texts, 1, (text) => text.replace('"f0"', '"f9"')))[1]).toContain(
      "The seal after event 2 is not as it was written",
    );
    expect(broken(edited(texts, 2, (text) => text.replace('"segment":2', '"segment":3')))[1]).toContain(
      "is that of segment 3",
    );
    expect(broken(edited(texts, 2, (text) => text.slice(0, -1)))[1]).toContain("The last line has no end");
    expect(broken(edited(texts, 2, () => ""))[0]).toBe(3);
  });

  it("is noticed whatever single character is changed", () => {
    const all = [...texts.values()].join("");
    fc.assert(
      fc.property(fc.nat(all.length - 1), fc.constantFrom("0", "x", " ", "}", '"'), (at, character) => {
        fc.pre(all[at] !== character);
        let offset = 0;
        const changed = new Map(
          [...texts].map(([path, text]) => {
            const here = at - offset;
            offset += text.length;
            return [
              path,
              here >= 0 && here < text.length ? `${text.slice(0, here)}${character}${text.slice(here + 1)}` : text,
            ];
          }),
        );
        expect(readJournal(changed, digest).status).not.toBe("intact");
      }),
      { numRuns: 500 },
    );
  });

  it("is none when it is empty or does not begin with its creation", () => {
    expect(broken(new Map())).toEqual([1, "The journal does not begin with run.created."]);
    const scribe = aScribe(aRun());
    scribe.next([created(aRun())]);
    const { events } = scribe.next([started("triage")]);
    const segment = writeSegment(emptyJournal, { events, files: {} }, digest);
    expect(broken(new Map([[segment.path, segment.text]]))).toEqual([
      1,
      "The journal does not begin with run.created.",
    ]);
  });

  it("says what is wrong with the shape of an event, even when every hash is right", () => {
    const second = (change: Record<string, unknown>) =>
      broken(forged(texts, (event) => (event["seq"] === 2 ? { ...event, ...change } : event)));
    expect(
      readJournal(
        forged(texts, (event) => event),
        digest,
      ).status,
    ).toBe("intact");
    expect(second({ type: "step.teleported" })).toEqual([
      2,
      'journal/0000/000001.jsonl: Event 2 has an unknown type, "step.teleported".',
    ]);
    expect(second({ type: "toString" })[1]).toContain("has an unknown type");
    expect(second({ id: "" })[1]).toContain("has no id");
    expect(second({ epoch: -1 })[1]).toContain("has no epoch");
    expect(second({ at: "yesterday" })[1]).toContain("has no time");
  });
});

describe("J7 a journal in a later meaning", () => {
  it("is told apart from a broken one, whatever else has changed in it", () => {
    const { texts } = aJournal();
    const later = edited(texts, 1, (text) => `${text.replace('"spec":1', '"spec":7')}another kind of seal\n`);
    expect(readJournal(later, digest)).toEqual({ status: "newer", spec: 7 });
  });
});
