import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  aSample,
  canRename,
  completedIn,
  fileOn,
  journalOf,
  type Running,
  type Sample,
  storyOf,
  type Where,
} from "../support/sample.ts";
import { git, refsIn } from "../support/store-fixtures.ts";

let sample: Sample;
afterEach(() => sample.remove());

/** A file that a step writes outside its work tree, to be waited for. */
const mark = (name: string): string => join(sample.folder, name);
const marked = (name: string): Promise<boolean> => vi.waitUntil(() => existsSync(mark(name)), { timeout: 30_000 });
const linesOf = (name: string): number => readFileSync(mark(name), "utf8").trim().split("\n").length;

/** A workflow `one`, whose steps are made when the sample's folder is known. */
function withSteps(steps: (at: (name: string) => string) => readonly string[], files = {}): void {
  sample = aSample({ files });
  sample.put(
    "repository/workflows/one.yaml",
    `steps:\n${steps(mark)
      .map((step) => `  - ${step}\n`)
      .join("")}`,
  );
}

async function killed(running: Running): Promise<void> {
  running.kill("SIGKILL");
  await running.ended;
}

describe("a step with effects outside, whose outcome nobody knows", () => {
  const paying =
    (end: string) =>
    (at: (name: string) => string): readonly string[] => [
      `{ id: pay, side_effects: external, timeout: 3s, run: "echo paid >> ${at("paid")}; test -f ${at("let-go")} || ${end}" }`,
    ];

  it.each(["SIGKILL", "SIGINT"] as const)(
    "is put to a person after %s, who may let it be tried again",
    async (signal) => {
      withSteps(paying("sleep 30"));
      const running = sample.start(["run", "one", "--run", "r"]);
      await marked("paid");
      running.kill(signal);
      await running.ended;
      const asked = await sample.cli(["resume", "r"]);
      expect([asked.code, asked.stdout]).toEqual([3, expect.stringContaining("nobody knows whether they happened")]);
      expect(linesOf("paid")).toBe(1);
      sample.put("let-go", "");
      expect((await sample.cli(["resume", "r"])).code).toBe(0);
      expect(linesOf("paid")).toBe(2);
    },
  );

  it.each([
    ["was killed", "kill -9 $$"],
    ["ran out of time", "sleep 30"],
  ])("is not tried again by itself when it %s", async (_, end) => {
    withSteps(paying(end));
    expect([1, 3]).toContain((await sample.cli(["run", "one", "--run", "r"])).code);
    expect(linesOf("paid")).toBe(1);
    sample.put("let-go", "");
    expect((await sample.cli(["resume", "r"])).code).toBe(0);
    expect(linesOf("paid")).toBe(2);
  });
});

it("a step that loses its worker again and again is put to a person, who may let it go on", async () => {
  withSteps(
    (at) => [
      `{ id: a, run: echo a > a.txt }`,
      `{ id: deadly, run: "echo . >> ${at("tries")}; test -f ${at("let-go")} || sleep 30" }`,
    ],
    {
      ".github/perdure.yml": "limits: { auto_resume: 1 }\n",
    },
  );
  let running = sample.start(["run", "one", "--run", "r"]);
  for (const tries of [1, 2]) {
    await marked("tries");
    await vi.waitUntil(() => linesOf("tries") === tries, { timeout: 30_000 });
    await killed(running);
    running = sample.start(["resume", "r"]);
  }
  const paused = await running.ended;
  expect([paused.code, paused.stdout]).toEqual([3, expect.stringContaining("`deadly` lost its worker 2 times")]);
  expect(linesOf("tries")).toBe(2);
  sample.put("let-go", "");
  expect((await sample.cli(["resume", "r"])).code).toBe(0);
  expect(storyOf(await journalOf(sample, "r")).filter((line) => line.endsWith(" a"))).toEqual([
    "started a",
    "completed a",
  ]);
});

it("a long step that is killed goes on from its last checkpoint on another machine", async () => {
  withSteps(
    (at) => [
      `{ id: long, run: "cat half.txt > seen.txt && exit 0; echo half > half.txt; touch ${at("begun")}; sleep 30" }`,
    ],
    {
      ".github/perdure.yml": "limits: { checkpoint_seconds: 1 }\n",
    },
  );
  const running = sample.start(["run", "one", "--run", "r"]);
  await marked("begun");
  const kept = (): boolean => git(sample.repository, ["for-each-ref", "refs/heads/perdure/checkpoint"]) !== "";
  await vi.waitUntil(kept, { timeout: 30_000 });
  await killed(running);
  expect((await sample.cli(["resume", "r"], { home: mark("elsewhere") })).code).toBe(0);
  expect(fileOn(sample.repository, "perdure/work/r", "seen.txt")).toBe("half\n");
  expect(git(sample.repository, ["rev-list", "--count", "main..perdure/work/r"]).trim()).toBe("1");
});

it("several runs at once in one repository do not get into each other's way", async () => {
  withSteps(() => [
    "{ id: a, run: echo a > a.txt }",
    "{ id: b, run: echo b > b.txt }",
    '{ id: c, type: deliver, branch: "done/{{ run.id }}" }',
  ]);
  const runs = ["r1", "r2", "r3", "r4"];
  const ended = await Promise.all(runs.map((run) => sample.cli(["run", "one", "--run", run])));
  expect(ended.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual(runs.map(() => 0));
  for (const run of runs) {
    expect(completedIn(await journalOf(sample, run))).toEqual(["a", "b", "c"]);
    expect(git(sample.repository, ["ls-tree", "--name-only", `done/${run}`])).toBe("README.md\na.txt\nb.txt\n");
  }
  expect(git(sample.repository, ["fsck", "--strict", "--no-dangling"])).toBe("");
});

describe.skipIf(!canRename())(
  "a worker that is only thought to be dead (skipped where no process can have a host name of its own)",
  () => {
    const wait = (at: (name: string) => string, name: string): string =>
      `while ! test -f ${at(name)}; do sleep 0.05; done`;

    it.each(["local", "remote"] as const)("J6 comes back and changes nothing, in a %s repository", async (kept) => {
      withSteps((at) => [
        "{ id: a, run: echo a > a.txt }",
        `{ id: b, run: "echo b >> ${at("tries")}; echo $$ > b.txt; ${wait(at, "let-go")}" }`,
        '{ id: c, type: deliver, branch: "done" }',
      ]);
      const remote = kept === "remote" ? ["--remote", "origin"] : [];
      if (kept === "remote") {
        git(sample.folder, ["clone", "-q", "--bare", "repository", "remote.git"]);
        git(sample.repository, ["remote", "add", "origin", mark("remote.git")]);
        git(sample.folder, ["clone", "-q", "remote.git", "clone"]);
      }
      const other: Where = {
        host: "other",
        home: mark("other"),
        ...(kept === "remote" && { repository: mark("clone") }),
      };
      const zombie = sample.start(["run", "one", "--run", "r", ...remote], { host: "first" });
      await marked("tries");
      // Its answer is there when it is let go on: it will believe that its step is done.
      zombie.kill("SIGSTOP");
      const refused = await sample.cli(["resume", "r", ...remote], other);
      expect([refused.code, refused.stderr]).toEqual([
        4,
        expect.stringMatching(/on first, where nobody here can look[\s\S]*--take-over/),
      ]);
      sample.put("let-go", "");
      const taken = await sample.cli(["resume", "r", "--take-over", ...remote], other);
      expect(taken.code, taken.stderr).toBe(0);
      const where = kept === "remote" ? mark("remote.git") : sample.repository;
      const before = refsIn(where);
      zombie.kill("SIGCONT");
      const back = await zombie.ended;
      expect([back.code, back.stderr]).toEqual([4, expect.stringContaining("[superseded]")]);
      expect(refsIn(where)).toBe(before);
      expect(completedIn(await journalOf(sample, "r", other))).toEqual(["a", "b", "c"]);
      expect(linesOf("tries")).toBe(2);
    });
  },
);
