import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Sample } from "../support/sample.ts";
import {
  aCopy,
  anotherPlace,
  aTemplate,
  begin,
  counting,
  difference,
  finish,
  firstPlace,
  inPairs,
  type Kept,
  type Outcome,
  outcomeOf,
  withFault,
} from "./scenario.ts";

/** How a process can die at each boundary; `preload.mjs` says what the words mean. */
const modes = {
  append: ["before", "torn", "written", "after"],
  object: ["before", "after"],
  edit: ["before", "after"],
  refs: ["before", "mid", "lost", "after"],
  git: ["before", "mid", "lost", "after"],
  push: ["before", "mid", "lost", "after"],
  command: ["before", "mid", "lost", "after"],
} as const;
type Boundary = keyof typeof modes;

/** Points of one boundary at most, spread evenly over its calls; `PERDURE_CRASH_POINTS=100000` tries them all. */
const most = Number(process.env["PERDURE_CRASH_POINTS"] ?? 24);

interface Point {
  readonly boundary: Boundary;
  readonly call: number;
  readonly mode: string;
  /** Whether the machine of the run is there again afterwards, its work trees as the dead left them. */
  readonly samePlace: boolean;
}

function pointsOf(boundary: Boundary, calls: number): readonly Point[] {
  const all = Array.from({ length: calls }, (_, index) => index + 1).flatMap((call) =>
    modes[boundary].map((mode, index) => ({ boundary, call, mode, samePlace: (call + index) % 3 === 0 })),
  );
  const step = Math.max(1, all.length / most);
  return Array.from({ length: Math.min(most, all.length) }, (_, index) => all[Math.floor(index * step)]).filter(
    (point) => point !== undefined,
  );
}

interface Tally {
  killed: number;
  same: number;
  readonly failures: string[];
}

/** Kills a run at one point, goes on with it, and compares. */
async function tried(template: Sample, kept: Kept, point: Point, expected: Outcome, tally: Tally): Promise<void> {
  const sample = aCopy(template, kept);
  const name = `${kept} ${point.boundary}:${point.call}:${point.mode}${point.samePlace ? " in the same place" : ""}`;
  try {
    const fault = `${point.boundary}:${point.call}:${point.mode}`;
    const ended = await withFault(sample, begin(sample, kept), { ...firstPlace(sample), fault });
    if (ended.signal === "SIGKILL") tally.killed += 1;
    const place = point.samePlace ? firstPlace(sample) : anotherPlace(sample, kept, 2);
    const stuck = await finish(sample, kept, place);
    const wrong = stuck ?? difference(expected, await outcomeOf(sample, kept));
    if (wrong === undefined) tally.same += 1;
    else tally.failures.push(`${name}\n${wrong}`);
  } catch (error) {
    tally.failures.push(`${name}\n${String(error)}`);
  } finally {
    await sample.remove();
  }
}

describe.each(["local", "remote"] as const)("a run that is kept in a %s repository", (kept) => {
  const boundaries: readonly Boundary[] =
    kept === "local" ? ["append", "object", "edit", "refs", "git", "command"] : ["append", "push"];
  let template: Sample;
  let expected: Outcome;
  let counts: Partial<Record<Boundary, number>>;
  beforeAll(async () => {
    template = aTemplate();
    const undisturbed = aCopy(template, kept);
    const file = join(undisturbed.folder, "counts.json");
    const ended = await undisturbed.cli(begin(undisturbed, kept), { environment: counting(file) });
    expect(ended.code, ended.stderr).toBe(0);
    expected = await outcomeOf(undisturbed, kept);
    counts = JSON.parse(readFileSync(file, "utf8")) as typeof counts;
    await undisturbed.remove();
  });
  afterAll(() => template.remove());

  it("gives undisturbed what the example gives", () => {
    expect(expected).toMatchObject({ status: "completed", repeated: [], spent: 0.62 });
    expect(expected.settled.filter((line) => line.startsWith("step.completed verify@"))).toHaveLength(4);
    expect(expected.subjects).toHaveLength(4);
  });

  it.each(boundaries)("killed at any call of `%s`, it comes to the same", { timeout: 3_600_000 }, async (boundary) => {
    const calls = counts[boundary] ?? 0;
    const points = pointsOf(boundary, calls);
    const tally: Tally = { killed: 0, same: 0, failures: [] };
    await inPairs(points, (point) => tried(template, kept, point, expected, tally));
    const all = calls * modes[boundary].length;
    console.log(
      `${kept} ${boundary}: ${points.length} of ${all} points (${calls} calls), ${tally.killed} killed, ${tally.same} of ${points.length} came to the same`,
    );
    expect(tally.failures).toEqual([]);
    expect(tally.killed, "points at which the process was really killed").toBeGreaterThan(points.length * 0.8);
  });
});
