import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Ended, Sample } from "../support/sample.ts";
import { difference, durableEvents, essence, type Outcome, outcomeOf } from "./outcome.ts";
import {
  aCopy,
  anotherPlace,
  aTemplate,
  begin,
  counting,
  finish,
  firstPlace,
  goOn,
  inPairs,
  type Kept,
  withFault,
} from "./scenario.ts";

/** How a process can die at each boundary; `preload.mjs` says what the words mean. */
const modes = {
  append: ["before", "torn", "written", "after", "full"],
  object: ["before", "after", "full"],
  edit: ["before", "after"],
  refs: ["before", "mid", "lost", "after", "unheard"],
  git: ["before", "mid", "lost", "after"],
  push: ["before", "mid", "lost", "after", "unheard"],
  command: ["before", "mid", "lost", "after"],
} as const;
type Boundary = keyof typeof modes;

/** Points of one boundary at most, spread evenly over its calls; `PERDURE_CRASH_POINTS=100000` tries them all. */
const most = Number(process.env["PERDURE_CRASH_POINTS"] ?? 12);
const hour = 3_600_000;

interface Point {
  readonly fault: string;
  /** The process that goes on after the first death dies too, here. */
  readonly then?: string;
  /** Whether the machine of the run is there again afterwards, its work trees as the dead left them. */
  readonly samePlace: boolean;
}

function pointsOf(boundary: Boundary, calls: number): readonly Point[] {
  const all = Array.from({ length: calls }, (_, index) => index + 1).flatMap((call) =>
    modes[boundary].map((mode, index) => ({
      fault: `${boundary}:${call}:${mode}`,
      samePlace: (call + index) % 3 === 0,
    })),
  );
  return spread(all);
}

/** As many as are wanted, from the first to the last. */
function spread(all: readonly Point[]): readonly Point[] {
  const wanted = Math.min(most, all.length);
  return all.filter(
    (_, index) => Math.floor((index * wanted) / all.length) < Math.floor(((index + 1) * wanted) / all.length),
  );
}

interface Tally {
  struck: number;
  same: number;
  readonly failures: string[];
}

/** Kills a run at a point, goes on with it, and compares. */
async function tried({ template, kept, expected }: Scene, point: Point, tally: Tally): Promise<void> {
  const sample = aCopy(template, kept);
  const place = (number: number) => (point.samePlace ? firstPlace(sample) : anotherPlace(sample, kept, number));
  try {
    const died = [await sample.cli(begin(sample, kept), withFault(firstPlace(sample), point.fault))];
    if (point.then !== undefined) died.push(await sample.cli(goOn(kept), withFault(place(2), point.then)));
    if (died.every((ended) => hasStruck(point, ended))) tally.struck += 1;
    const durable = await durableEvents(sample, kept);
    const stuck = await finish(sample, kept, place(3));
    const of = point.fault.endsWith(":full") ? essence : (whole: Outcome) => whole;
    const wrong = stuck ?? difference(of(expected), of(await outcomeOf(sample, kept, durable)));
    if (wrong === undefined) tally.same += 1;
    else tally.failures.push(`${kept} ${JSON.stringify(point)}\n${wrong}`);
  } catch (error) {
    tally.failures.push(`${kept} ${JSON.stringify(point)}\n${String(error)}`);
  } finally {
    await sample.remove();
  }
}

/** Whose effect was only not heard of finds out by itself (law J4); who has no room says so, or tries again. */
function hasStruck({ fault }: Point, { signal, code, stderr }: Ended): boolean {
  if (fault.endsWith(":unheard")) return code === 0;
  if (fault.endsWith(":full")) return code === 0 || stderr.includes("[no-space]");
  return signal === "SIGKILL";
}

interface Scene {
  readonly template: Sample;
  readonly kept: Kept;
  readonly expected: Outcome;
}

async function tryAll(scene: Scene, points: readonly Point[], name: string): Promise<void> {
  const tally: Tally = { struck: 0, same: 0, failures: [] };
  await inPairs(points, (point) => tried(scene, point, tally));
  console.log(`${scene.kept} ${name}: ${points.length} points, ${tally.struck} struck, ${tally.same} came to the same`);
  expect(tally.failures).toEqual([]);
  expect(tally.struck, "points at which the fault came to pass").toBeGreaterThanOrEqual(points.length * 0.8);
}

describe.each(["local", "remote"] as const)("a run that is kept in a %s repository", (kept) => {
  const boundaries: readonly Boundary[] =
    kept === "local" ? ["append", "object", "edit", "refs", "git", "command"] : ["append", "push"];
  let scene: Scene;
  let counts: Partial<Record<Boundary, number>>;
  beforeAll(async () => {
    const template = aTemplate();
    const undisturbed = aCopy(template, kept);
    const file = join(undisturbed.folder, "counts.json");
    const ended = await undisturbed.cli(begin(undisturbed, kept), counting(firstPlace(undisturbed), file));
    expect(ended.code, ended.stderr).toBe(0);
    scene = { template, kept, expected: await outcomeOf(undisturbed, kept, []) };
    counts = JSON.parse(readFileSync(file, "utf8")) as typeof counts;
    await undisturbed.remove();
  });
  afterAll(() => scene.template.remove());

  it("gives undisturbed what the example gives", () => {
    expect(scene.expected).toMatchObject({ status: "completed", repeated: [], faults: [], spent: 0.62 });
    expect(scene.expected.settled.filter((line) => line.startsWith("step.completed verify@"))).toHaveLength(4);
    expect(scene.expected.branches).toEqual(["feature/refresh", "perdure/work/demo"]);
    expect(scene.expected.subjects).toHaveLength(4);
  });

  it.each(boundaries)("killed at any call of `%s`, it comes to the same", { timeout: hour }, async (boundary) => {
    const calls = counts[boundary] ?? 0;
    const all = calls * modes[boundary].length;
    await tryAll(scene, pointsOf(boundary, calls), `${boundary} (${calls} calls, ${all} points in all)`);
  });

  it("killed again while somebody takes over, it comes to the same", { timeout: hour }, async () => {
    const again = [
      "append:1:torn",
      "append:1:after",
      ...["before", "mid", "lost"].map((mode) => `${kept === "local" ? "refs" : "push"}:1:${mode}`),
    ];
    const points = ["append:6:after", "edit:9:after", "append:11:after"].flatMap((fault, index) =>
      again.map((then, at) => ({ fault, then, samePlace: (index + at) % 2 === 0 })),
    );
    await tryAll(scene, spread(points), "twice");
  });
});
