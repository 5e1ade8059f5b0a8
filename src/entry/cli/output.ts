import { styleText } from "node:util";
import type { Problem } from "../../core/problem.ts";
import { problemLines } from "../../formats/problem-text.ts";
import { type Paint, plainPaint } from "../../formats/report-text.ts";

/** Where a command speaks: answers to stdout, everything about them to stderr, so that pipes get answers only. */
export interface Output {
  readonly json: boolean;
  readonly terminal: boolean;
  readonly paint: Paint;
  line(text?: string): void;
  /** The answer as data; printed only with `--json`. */
  data(value: unknown): void;
  note(text: string): void;
  problems(problems: readonly Problem[]): void;
}

export function output(json: boolean): Output {
  const terminal = process.stdout.isTTY === true && !json;
  const colours = terminal && process.env["NO_COLOR"] === undefined;
  return {
    json,
    terminal,
    paint: colours ? ansi : plainPaint,
    line(text = "") {
      if (!json) process.stdout.write(`${text}\n`);
    },
    data(value) {
      if (json) process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
    note(text) {
      if (!json) process.stderr.write(`${text}\n`);
    },
    problems(problems) {
      if (json) process.stdout.write(`${JSON.stringify({ problems }, null, 2)}\n`);
      else for (const problem of problems) process.stderr.write(`${problemLines(problem).join("\n")}\n`);
    },
  };
}

const ansi: Paint = {
  dim: (text) => styleText("dim", text),
  bold: (text) => styleText("bold", text),
  good: (text) => styleText("green", text),
  bad: (text) => styleText("red", text),
  busy: (text) => styleText("yellow", text),
};
