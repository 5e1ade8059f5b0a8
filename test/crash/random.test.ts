import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Running, Sample } from "../support/sample.ts";
import { difference, durableEvents, type Outcome, outcomeOf } from "./outcome.ts";
import {
  aCopy,
  anotherPlace,
  aTemplate,
  begin,
  finish,
  firstPlace,
  goOn,
  inPairs,
  type Kept,
  progressOf,
} from "./scenario.ts";

/** Kills in all, several to a run, until it is through. `PERDURE_CRASH_SEED` repeats the choices, if not the machine's. */
const wanted = Number(process.env["PERDURE_CRASH_KILLS"] ?? 100);
const seed = Number(process.env["PERDURE_CRASH_SEED"] ?? Date.now() % 1_000_000);
/** Kills of one run at most; then it is let through. */
const mostOfOne = 5;

/** Mulberry32: numbers in [0, 1), the same for the same seed. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Tally {
  kills: number;
  runs: number;
  same: number;
  readonly failures: string[];
}

interface Scene {
  readonly template: Sample;
  readonly kept: Kept;
  readonly expected: Outcome;
  /** How long the run takes when nobody kills it, milliseconds. */
  readonly ms: number;
}

let template: Sample;
beforeAll(() => {
  template = aTemplate();
});
afterAll(() => template.remove());

describe.each([
  ["local", 0.8],
  ["remote", 0.2],
] as const)("a run that is kept in a %s repository", (kept, share) => {
  it("killed again and again, at any time, comes to the same", { timeout: 3_600_000 }, async () => {
    const scene = await undisturbed(kept);
    const tally: Tally = { kills: 0, runs: 0, same: 0, failures: [] };
    const enough = Math.round(wanted * share);
    const seeds = Array.from({ length: enough }, (_, index) => seed + index);
    await inPairs(seeds, async (one) => {
      if (tally.kills < enough) await torment(scene, one, tally);
    });
    const { kills, runs, same } = tally;
    console.log(`${kept}, seed ${seed}: ${kills} kills in ${runs} runs, ${same} of ${runs} came to the same`);
    expect(tally.failures).toEqual([]);
    expect(kills).toBeGreaterThanOrEqual(enough);
  });
});

async function undisturbed(kept: Kept): Promise<Scene> {
  const sample = aCopy(template, kept);
  const started = performance.now();
  const ended = await sample.cli(begin(sample, kept), firstPlace(sample));
  const ms = performance.now() - started;
  expect(ended.code, ended.stderr).toBe(0);
  const expected = await outcomeOf(sample, kept, []);
  await sample.remove();
  return { template, kept, expected, ms };
}

/** One run, and whoever works at it is killed at some moment, again and again. */
async function torment({ kept, expected, ms }: Scene, own: number, tally: Tally): Promise<void> {
  const random = randomFrom(own);
  const sample = aCopy(template, kept);
  const durable = new Set<string>();
  const story: string[] = [];
  let place = firstPlace(sample);
  let args = begin(sample, kept);
  try {
    const limit = 1 + Math.floor(random() * mostOfOne);
    for (let kills = 0; kills < limit; ) {
      const running = sample.start(args, place);
      const delay = Math.round(ms * (0.1 + 0.7 * random()));
      const withChildren = random() < 0.5;
      await Promise.race([sleep(delay), running.ended]);
      kill(running, withChildren);
      const progress = progressOf(await running.ended);
      story.push(`${delay} ms${withChildren ? " with its children" : ""}: ${JSON.stringify(progress)}`);
      if (progress === "completed") break;
      if (typeof progress === "object") throw new Error(progress.stuck);
      if (progress === "go on") {
        kills += 1;
        tally.kills += 1;
      }
      for (const mark of await durableEvents(sample, kept)) durable.add(mark);
      args = durable.size === 0 && progress !== "created after all" ? begin(sample, kept) : goOn(kept);
      if (random() < 0.5) place = anotherPlace(sample, kept, story.length);
    }
    const stuck = await finish(sample, kept, place);
    const wrong = stuck ?? difference(expected, await outcomeOf(sample, kept, [...durable]));
    if (wrong === undefined) tally.same += 1;
    else tally.failures.push(`seed ${own}, ${kept}: ${story.join("; ")}\n${wrong}`);
  } catch (error) {
    tally.failures.push(`seed ${own}, ${kept}: ${story.join("; ")}\n${String(error)}`);
  } finally {
    tally.runs += 1;
    await sample.remove();
  }
}

/** The process alone; or, as when a container dies, together with whatever it has started. */
function kill(running: Running, withChildren: boolean): void {
  // Stopped first: it must not get to see its git die and start another.
  if (withChildren) running.kill("SIGSTOP");
  for (const pid of withChildren ? childrenOf(running.pid) : []) {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It had just ended by itself.
    }
  }
  running.kill("SIGKILL");
}

function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return text === "" ? [] : text.split(" ").map(Number);
  } catch {
    return [];
  }
}
