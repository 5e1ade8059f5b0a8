import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { aSample, completedIn, fileOn, journalOf, type Sample } from "../support/sample.ts";
import { git } from "../support/store-fixtures.ts";

let sample: Sample;
afterEach(() => sample.remove());

/** Three steps; the middle one takes its time and leaves something half done first. */
const slow = `steps:
  - { id: first, run: echo 1 > first.txt }
  - { id: middle, run: "test -f half.txt && exit 0; echo half > half.txt; sleep 30" }
  - { id: last, run: echo 3 > last.txt }
`;
const slowSample = (): Sample => aSample({ files: { "workflows/slow.yaml": slow } });
const begun = async (): Promise<ReturnType<Sample["start"]>> => {
  sample = slowSample();
  const running = sample.start(["run", "slow", "--run", "r"]);
  await running.says(/middle running/);
  await sleep(400);
  return running;
};
const expectFinished = async (): Promise<void> => {
  const journal = await journalOf(sample, "r");
  expect(completedIn(journal)).toEqual(["first", "middle", "last"]);
  expect(git(sample.repository, ["ls-tree", "--name-only", "perdure/work/r"])).toBe(
    "README.md\nfirst.txt\nhalf.txt\nlast.txt\nworkflows\n",
  );
};

describe.each(["SIGINT", "SIGTERM"] as const)("%s", (signal) => {
  test("keeps what the step had done, exits 130, and the next resume goes on from there", async () => {
    const running = await begun();
    running.kill(signal);
    const { code } = await running.ended;
    expect(code).toBe(130);
    const stopped = await journalOf(sample, "r");
    expect(stopped.slice(-3).map(({ type }) => type)).toEqual([
      "step.checkpointed",
      "step.interrupted",
      "lease.released",
    ]);
    expect(fileOn(sample.repository, "perdure/checkpoint/r", "half.txt")).toBe("half\n");
    const again = await sample.cli(["resume", "r"], { home: `${sample.folder}/elsewhere` });
    expect(again.code).toBe(0);
    await expectFinished();
  });
});

test("SIGKILL in the middle of a step costs that step's try and nothing else", async () => {
  const running = await begun();
  running.kill("SIGKILL");
  await running.ended;
  const status = await sample.cli(["status", "r"]);
  expect(status.stdout).toContain("interrupted");
  expect((await sample.cli(["doctor"])).stdout).toContain("interrupted: r");
  // The work tree of the killed process is still there; its half-done step is started again from the last checkpoint.
  const resumed = sample.start(["resume", "r"]);
  await resumed.says(/Taking over/);
  await resumed.says(/middle running: try 2/);
  await sleep(400);
  resumed.kill("SIGINT");
  await resumed.ended;
  expect((await sample.cli(["resume", "r"])).code).toBe(0);
  await expectFinished();
});

test("of two that resume at once, one advances and the other says who holds the run", async () => {
  const running = await begun();
  running.kill("SIGKILL");
  await running.ended;
  const both = [sample.start(["resume", "r"]), sample.start(["resume", "r"])];
  const first = await Promise.race(both.map(async (one) => ({ one, ended: await one.ended })));
  expect(first.ended.code).toBe(4);
  expect(first.ended.stderr).toMatch(/\[held\]|\[superseded\]/);
  expect(first.ended.stderr).toMatch(/process \d+/);
  const winner = both.find((one) => one !== first.one);
  winner?.kill("SIGINT");
  expect((await winner?.ended)?.code).toBe(130);
});

describe("a word to a run that somebody works at", () => {
  test("pause lets the step end, pause --now does not; resume goes on", async () => {
    const running = await begun();
    expect((await sample.cli(["pause", "r", "--now"])).code).toBe(0);
    expect((await running.ended).code).toBe(3);
    expect((await sample.cli(["status", "r", "--json"])).stdout).toContain('"status": "paused"');
    expect((await sample.cli(["resume", "r"])).code).toBe(0);
    await expectFinished();
  });
  test("cancel --now stops it, and what it had done can still be resumed", async () => {
    const running = await begun();
    expect((await sample.cli(["cancel", "r", "--now"])).code).toBe(0);
    expect((await running.ended).code).toBe(1);
    expect((await sample.cli(["status", "r", "--json"])).stdout).toContain('"status": "cancelled"');
    expect((await sample.cli(["resume", "r"])).code).toBe(0);
    await expectFinished();
  });
  test("a note is kept while the worker goes on", async () => {
    const running = await begun();
    expect((await sample.cli(["note", "r", "mind", "the", "gap"])).code).toBe(0);
    running.kill("SIGINT");
    await running.ended;
    expect((await sample.cli(["inspect", "r"])).stdout).toContain("mind the gap");
  });
});

test("a budget that is spent pauses the run, and more money lets it go on", async () => {
  const yaml = "steps:\n  - { id: a, prompt: one }\n  - { id: b, prompt: two }\n";
  sample = aSample({ files: { "workflows/two.yaml": yaml } });
  const script = sample.put(
    "script.yaml",
    "turns:\n  - { skill: a, spending: { usd: 2 } }\n  - { skill: b, spending: { usd: 1 } }\n",
  );
  const first = await sample.cli(["run", "two", "--run", "r", "--script", script, "--budget", "1"]);
  expect(first.code).toBe(3);
  expect(first.stdout).toContain("paused, the budget is spent");
  const refused = await sample.cli(["resume", "r"]);
  expect([refused.code, /\[budget-spent\]/.test(refused.stderr)]).toEqual([4, true]);
  expect((await sample.cli(["resume", "r", "--budget", "5"])).code).toBe(0);
});

test("questions hold the run without a process, and part answers are kept", async () => {
  const yaml = 'steps:\n  - { id: one, ask: "First?" }\n  - { id: two, ask: "Second?" }\n';
  sample = aSample({ files: { "workflows/ask.yaml": yaml } });
  expect((await sample.cli(["run", "ask", "--run", "r"])).code).toBe(3);
  const early = await sample.cli(["resume", "r"]);
  expect([early.code, /\[answers-missing\]/.test(early.stderr)]).toEqual([4, true]);
  expect((await sample.cli(["answer", "r", "1=perhaps"])).code).toBe(4);
  expect((await sample.cli(["answer", "r", "1=approve"])).code).toBe(0);
  expect((await sample.cli(["resume", "r"])).code).toBe(3);
  expect((await sample.cli(["answer", "r", "reject"])).code).toBe(0);
  const last = await sample.cli(["resume", "r"]);
  expect(last.code).toBe(1);
  expect(last.stdout).toContain("failed at two");
});
