import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { isAlive } from "../support/alive.ts";
import {
  aSample,
  completedIn,
  type Ended,
  fileOn,
  journalOf,
  recording,
  type Sample,
  sampleIn,
} from "../support/sample.ts";
import { editBranch, git, refsIn } from "../support/store-fixtures.ts";

let sample: Sample;
afterEach(() => sample.remove());

const codesIn = ({ stderr }: Ended): readonly string[] =>
  [...stderr.matchAll(/\[([a-z-]+)\]$/gm)].map(([, code = ""]) => code);

/** A sample whose agent is this shell script, and how to run it. */
function withAgent(definition: string, script: string): readonly string[] {
  sample = aSample({ files: { ".github/perdure/one.yaml": definition } });
  const agent = sample.put("agent.sh", script);
  return ["run", "one", "--run", "r", "--agent", "command", "--agent-config", `command=sh ${agent}`];
}

const linesOf = (path: string): readonly string[] => readFileSync(join(sample.folder, path), "utf8").trim().split("\n");

describe("a definition that is wrong", () => {
  const refused = async (definition: string): Promise<string> => {
    sample = aSample({ files: { ".github/perdure/one.yaml": definition } });
    const before = refsIn(sample.repository);
    const ended = await sample.cli(["run", "one"]);
    expect(ended.code).toBe(2);
    expect(refsIn(sample.repository)).toBe(before);
    return ended.stderr;
  };

  it("that is no YAML is told by line and column, with what was expected and received", async () => {
    const said = await refused("name: one\nsteps:\n  - id: a\n\trun: true\n");
    expect(said).toContain(".github/perdure/one.yaml:4:1");
    expect(said).toMatch(/\[tab-indent\]/);
    expect(said).toMatch(/expected +spaces/);
    expect(said).toMatch(/received +\S/);
  });

  it("that has three faults is told all three at once, in the order of the text", async () => {
    const said = await refused(
      "steps:\n  - { id: a, run: x, timout: 5m }\n  - { id: b, run: x, retry: -1 }\n  - { id: a, run: x }\n",
    );
    expect(said).toContain("Did you mean `timeout`?");
    const places = [...said.matchAll(/one\.yaml:(\d+):\d+/g)].map(([, line]) => Number(line));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).toEqual(expect.arrayContaining([2, 3]));
  });
});

it("a document that breaks its contract goes back exactly once, with what was wrong and where", async () => {
  const args = withAgent(
    "steps:\n  - { id: triage, skill: triage }\n",
    `cat >> "$(dirname "$0")/prompts"; echo . >> "$(dirname "$0")/calls"; printf 'decision: maybe\\napproach: 7\\n' > .perdure/out/triage-plan.yaml\n`,
  );
  const ended = await sample.cli(args);
  expect(ended.code).toBe(1);
  expect(linesOf("calls")).toHaveLength(2);
  const [first = "", second = ""] = readFileSync(join(sample.folder, "prompts"), "utf8").split(/^\}$/m);
  expect(first).not.toContain("triage-plan.yaml:1:");
  expect(second).toMatch(/triage-plan\.yaml:1:\d+ decision/);
  expect(second).toMatch(/Expected .*clarification_needed/);
  expect(second).toContain("maybe");
  const failures = (await journalOf(sample, "r")).flatMap((event) =>
    event.type === "step.failed" ? [event.failure] : [],
  );
  expect(failures[0]).toMatchObject({
    class: "contract",
    message: expect.stringContaining("broke their contract twice"),
  });
});

it("an agent that says much and writes no document fails as contract, and its words are not taken for one", async () => {
  const args = withAgent(
    "steps:\n  - { id: triage, skill: triage }\n",
    "head -c 100000 /dev/urandom; echo '{\"type\":\"result\",'; echo 'decision: trivial'\n",
  );
  expect((await sample.cli(args)).code).toBe(1);
  expect(fileOn(sample.repository, "perdure/runs/r", "errors/triage.md")).toContain(
    "`triage-plan.yaml` was not written",
  );
});

it("an agent that hangs, and whatever it has started, is gone when its time is over", async () => {
  const args = withAgent(
    'steps:\n  - { id: work, prompt: "Do it.", timeout: 1s }\n',
    `echo $$ > "$(dirname "$0")/pids"; trap '' TERM; setsid sh -c 'echo $$ >> "$0"; trap "" TERM; sleep 60' "$(dirname "$0")/pids" & sleep 60\n`,
  );
  const ended = await sample.cli(args, { limitMs: 30_000 });
  expect(ended.code).toBe(1);
  expect(ended.stdout).toContain("did not finish within 1 s");
  const pids = linesOf("pids").map(Number);
  expect(pids).toHaveLength(2);
  expect(pids.filter(isAlive)).toEqual([]);
});

describe("a run's own branch that somebody edited by hand", () => {
  it.each([
    ["a projection", { "state.json": "{}\n" }],
    ["a document that later steps would believe", { "results/a.json": '{"exit_code":1}\n' }],
    ["a file that nobody wrote", { "triage-plan.yaml": "decision: trivial\n" }],
    ["a journal that has lost an entry", { "journal/0000/000001.jsonl": null }],
  ])(
    "is refused by every command, and stays as it is: %s",
    async (_, edits: Readonly<Record<string, string | null>>) => {
      sample = aSample({
        files: {
          ".github/perdure/one.yaml": "steps:\n  - { id: a, run: echo a > a.txt }\n  - { id: ask, ask: Go on? }\n",
        },
      });
      expect((await sample.cli(["run", "one", "--run", "r"])).code).toBe(3);
      editBranch(sample.repository, "refs/heads/perdure/runs/r", edits);
      const before = refsIn(sample.repository);
      for (const words of [
        ["resume", "r"],
        ["answer", "r", "1=approve"],
        ["status", "r"],
        ["logs", "r"],
        ["inspect", "r"],
      ]) {
        const ended = await sample.cli(words);
        expect([ended.code, codesIn(ended)], words.join(" ")).toEqual([1, ["journal-broken"]]);
      }
      expect(refsIn(sample.repository)).toBe(before);
    },
  );
});

describe("words to a run that somebody works at", () => {
  const triageTwice = "steps:\n  - { id: one, skill: triage }\n  - { id: two, skill: triage }\n";
  const slowly = `d=$(dirname "$0"); cat > "$d/task-$(ls "$d" | grep -c '^task-').json"; sleep 1.2
printf 'decision: trivial\\nestimated_complexity: trivial\\napproach: none\\n' > .perdure/out/triage-plan.yaml\n`;

  it("a note reaches the agent of the next step, in its prompt and as a document", async () => {
    const args = withAgent(triageTwice, slowly);
    const running = sample.start(args);
    await running.says(/one running/);
    expect((await sample.cli(["note", "r", "mind", "the", "gap"])).code).toBe(0);
    expect((await running.ended).code).toBe(0);
    const [first, second] = ["task-0.json", "task-1.json"].map((name) =>
      readFileSync(join(sample.folder, name), "utf8"),
    );
    expect(first).not.toContain("mind the gap");
    expect(second).toContain("mind the gap");
    expect(second).toContain(".perdure/in/user-responses.md");
  });

  it.each([
    ["pause", 3, "paused"],
    ["cancel", 1, "cancelled"],
  ])("%s lets the step that runs come to its end and begins no other", async (verb, code, status) => {
    const args = withAgent(triageTwice, slowly);
    const running = sample.start(args);
    await running.says(/one running/);
    expect((await sample.cli([verb, "r"])).stdout).toMatch(/after its current step/);
    expect((await running.ended).code).toBe(code);
    expect(JSON.parse((await sample.cli(["status", "r", "--json"])).stdout)).toMatchObject({ status });
    expect(completedIn(await journalOf(sample, "r"))).toEqual(["one"]);
    expect((await sample.cli(["resume", "r"])).code).toBe(0);
    expect(completedIn(await journalOf(sample, "r"))).toEqual(["one", "two"]);
  });
});

it("SIGINT twice ends at once; what was completed is there, and the next resume takes over", async () => {
  sample = aSample();
  const mark = join(sample.folder, "begun");
  const stubborn = `test -f ${mark} || { trap '' INT TERM; touch ${mark}; sleep 20; }`;
  sample.put(
    "repository/workflows/one.yaml",
    `steps:\n  - { id: a, run: echo a > a.txt }\n  - { id: b, run: "${stubborn}" }\n`,
  );
  const running = sample.start(["run", "one", "--run", "r"]);
  await running.says(/b running/);
  await vi.waitUntil(() => existsSync(mark), { timeout: 20_000 });
  running.kill("SIGINT");
  await running.says(/once more to stop at once/);
  running.kill("SIGINT");
  expect((await running.ended).code).toBe(130);
  const resumed = await sample.cli(["resume", "r"]);
  expect([resumed.code, resumed.stderr], resumed.stderr).toEqual([0, expect.stringContaining("Taking over")]);
  const journal = await journalOf(sample, "r");
  expect(journal.filter((event) => event.type === "step.started" && event.step === "a")).toHaveLength(1);
  expect(completedIn(journal)).toEqual(["a", "b"]);
});

it("of three that resume at the same moment one advances, and the others name it", async () => {
  sample = aSample({
    files: {
      ".github/perdure/one.yaml": "steps:\n  - { id: ask, ask: Go on? }\n  - { id: b, run: sleep 2; echo b > b.txt }\n",
    },
  });
  expect((await sample.cli(["run", "one", "--run", "r"])).code).toBe(3);
  expect((await sample.cli(["answer", "r", "approve"])).code).toBe(0);
  const three = [1, 2, 3].map(() => sample.start(["resume", "r"]));
  const ended = await Promise.all(three.map((one) => one.ended));
  expect(ended.map(({ code }) => code).sort()).toEqual([0, 4, 4]);
  for (const loser of ended.filter(({ code }) => code === 4)) {
    expect(codesIn(loser)).toEqual(["held"]);
    expect(loser.stderr).toMatch(/held by process \d+/);
  }
  const journal = await journalOf(sample, "r");
  expect(journal.filter(({ type }) => type === "step.started").map((event) => "step" in event && event.step)).toEqual([
    "ask",
    "b",
  ]);
});

it("a budget that is spent while another step works lets that one come to its end, and pays for it once", async () => {
  const steps = ["a", "b", "c"].map((id) => `  - { id: ${id}, prompt: ${id}, access: read }\n`).join("");
  const args = withAgent(
    `type: parallel\nmax_concurrent: 2\nsteps:\n${steps}`,
    `t=$(cat); echo . >> "$(dirname "$0")/calls"; case "$t" in *'"prompt": "b"'*) sleep 2;; esac
echo '{"text":"done","spending":{"usd":2}}'\n`,
  );
  const first = await sample.cli([...args, "--budget", "1"]);
  expect([first.code, first.stdout]).toEqual([3, expect.stringContaining("$4.00 of $1.00 are spent")]);
  expect(linesOf("calls")).toHaveLength(2);
  const events = (await journalOf(sample, "r")).map(({ type }) => type);
  expect(events.slice(-3)).toEqual(["step.completed", "run.paused", "lease.released"]);
  expect((await sample.cli(["resume", "r", "--budget", "10"])).code).toBe(0);
  expect(linesOf("calls")).toHaveLength(3);
});

it("a folder somewhere in the repository is as good as its top: the same definitions, configuration and runs", async () => {
  sample = aSample({
    files: {
      ".github/perdure/one.yaml": "steps:\n  - { id: a, run: pwd > where.txt }\n",
      ".github/perdure.yml": "default_workflow: one\n",
      "deep/er/file.txt": "",
    },
  });
  const deep = { repository: join(sample.repository, "deep/er") };
  const ended = await sample.cli(["run", "--task", "Look around", "--run", "r"], deep);
  expect(ended.code, ended.stderr).toBe(0);
  expect(git(sample.repository, ["show", "perdure/work/r:where.txt"])).toMatch(/\/trees\/r\n$/);
  expect(existsSync(join(sample.repository, ".perdure/one/state.json"))).toBe(true);
  expect((await sample.cli(["status"], deep)).stdout).toContain("completed · one · run r");
});

/** A file system that is too small, or undefined where nobody may mount one. */
function smallDisk(folder: string, size: string): boolean {
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

it("a repository on a disk that fills up: the run stops with the reason, no branch moves by half, and goes on with room", async (context) => {
  sample = aSample();
  const small = join(sample.folder, "small");
  if (!smallDisk(small, "3m")) context.skip("this user cannot mount a small file system");
  try {
    const script = recording("fix-typo");
    const crowded = aSample({ example: "fix-typo", folder: small });
    const file = sample.put("script.yaml", script);
    const home = join(sample.folder, "elsewhere");
    const args = ["run", "--task", "Fix typo in README", "--script", file, "--run", "r"];
    const running = crowded.start(args, { home });
    await running.says(/execute@1 running/);
    fill(join(small, "filler"));
    const ended = await running.ended;
    expect([ended.code, codesIn(ended)], ended.stdout).toEqual([1, ["no-space"]]);
    const refs = refsIn(crowded.repository);
    rmSync(join(small, "filler"));
    git(crowded.repository, ["fsck", "--strict", "--no-dangling"]);
    expect(refsIn(crowded.repository)).toBe(refs);
    expect((await sampleIn(small).cli(["resume", "r"], { home })).code).toBe(0);
    const done = completedIn(await journalOf(crowded, "r"));
    expect(done).toEqual(["triage@1", "execute@1", "pre-verify", "verify@1", "deliver"]);
  } finally {
    execFileSync("umount", [small]);
  }
});

/** Writes until there is no room for another byte. */
function fill(path: string): void {
  for (const size of [65_536, 4_096, 1]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: "a" });
    } catch {
      // Full for this size.
    }
  }
}
