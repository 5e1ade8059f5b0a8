import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { aSample, checkoutOf, fileOn, journalOf, type Logged, recording, type Sample } from "../support/sample.ts";
import { git } from "../support/store-fixtures.ts";

let sample: Sample;
afterEach(() => sample.remove());

const definition = 'steps:\n  - { id: work, prompt: "Do it.", timeout: 2s }\n';
/** Runs the one-step workflow with a shell script as its agent; gives what the journal says of the step's end. */
async function runWith(
  script: string,
  yaml = definition,
): Promise<{ readonly code: number | null; readonly journal: readonly Logged[]; readonly text: string }> {
  sample = aSample({ files: { "workflows/one.yaml": yaml } });
  const agent = sample.put("agent.sh", script);
  const { code, stdout, stderr } = await sample.cli([
    "run",
    "one",
    "--run",
    "r",
    "--agent",
    "command",
    "--agent-config",
    `command=/bin/sh ${agent}`,
  ]);
  return { code, journal: await journalOf(sample, "r"), text: `${stdout}${stderr}` };
}
const failures = (journal: readonly Logged[]): readonly string[] =>
  journal.flatMap((event) => (event.type === "step.failed" ? [event.failure.class] : []));
const warnings = (journal: readonly Logged[]): readonly string[] =>
  journal.flatMap((event) =>
    event.type === "step.completed" || event.type === "step.failed" ? (event.warnings ?? []) : [],
  );

describe("an agent", () => {
  test("that is not there fails its step, and the run says so", async () => {
    sample = aSample({ files: { "workflows/one.yaml": definition } });
    const { code, stdout, stderr } = await sample.cli([
      "run",
      "one",
      "--run",
      "r",
      "--agent",
      "command",
      "--agent-config",
      "command=/nowhere/agent",
    ]);
    expect(code).toBe(1);
    expect(`${stdout}${stderr}`).toContain("failed at work");
    expect(failures(await journalOf(sample, "r"))).toHaveLength(1);
  });
  test("of no known name stops the run before it begins, and the nearest one is named", async () => {
    sample = aSample({ files: { "workflows/one.yaml": definition } });
    const { code, stderr } = await sample.cli(["run", "one", "--run", "r", "--agent", "comand"]);
    expect([code, /\[unknown-agent\]/.test(stderr), /Did you mean `command`/.test(stderr)]).toEqual([2, true, true]);
  });
  test("that is Claude Code and not installed stops the run before it begins", async () => {
    sample = aSample({ files: { "workflows/one.yaml": definition } });
    const { code, stderr } = await sample.cli(["run", "one"], { environment: { PATH: "/usr/bin:/bin" } });
    expect([code, /\[agent-missing\]/.test(stderr)]).toEqual([2, true]);
  });
  test("that ends with a code is believed, and its last words are kept", async () => {
    const { code, journal } = await runWith("echo the reason >&2; exit 3\n");
    expect([code, failures(journal)]).toEqual([1, ["exit"]]);
    expect(fileOn(sample.repository, "perdure/runs/r", "errors/work.md")).toContain("the reason");
  });
  test("that hangs is stopped when its time is over", async () => {
    const { journal } = await runWith("sleep 60\n");
    expect(failures(journal)).toEqual(["timeout"]);
  });
  test("that prints garbage is only noted", async () => {
    const { code, journal } = await runWith(
      "head -c 300000 /dev/urandom; echo '{\"documents\": [}'; echo done > made.txt\n",
    );
    expect([code, failures(journal)]).toEqual([0, []]);
    expect(git(sample.repository, ["show", "perdure/work/r:made.txt"])).toBe("done\n");
  });
  test("that writes outside its work tree is told on, and the person's checkout is shown to have changed", async () => {
    sample = aSample({ files: { "workflows/one.yaml": definition } });
    const agent = sample.put("agent.sh", `echo oops >> ${join(sample.repository, "README.md")}\n`);
    await sample.cli(["run", "one", "--run", "r", "--agent", "command", "--agent-config", `command=/bin/sh ${agent}`]);
    expect(warnings(await journalOf(sample, "r")).join()).toContain("README.md");
  });
  test("that leaves children behind leaves them dead", async () => {
    sample = aSample({ files: { "workflows/one.yaml": definition } });
    const pids = join(sample.folder, "pids");
    const agent = sample.put("agent.sh", `sleep 300 & echo $! > ${pids}\nsetsid sleep 300 & echo $! >> ${pids}\n`);
    expect(
      (
        await sample.cli([
          "run",
          "one",
          "--run",
          "r",
          "--agent",
          "command",
          "--agent-config",
          `command=/bin/sh ${agent}`,
        ])
      ).code,
    ).toBe(0);
    const left = readFileSync(pids, "utf8")
      .trim()
      .split("\n")
      .filter((pid) => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8")));
    expect(left).toEqual([]);
  });
  test("that commits and moves about in git changes nothing but its own work", async () => {
    const { code } = await runWith(
      "echo x > x.txt; git add x.txt; git -c user.name=a -c user.email=a@b.invalid commit -qm 'agent was here'; echo y > y.txt\n",
    );
    expect(code).toBe(0);
    expect(git(sample.repository, ["rev-list", "--count", "main..perdure/work/r"]).trim()).toBe("1");
    expect(git(sample.repository, ["log", "-1", "--format=%B", "perdure/work/r"])).toContain("agent was here");
    expect(git(sample.repository, ["ls-tree", "--name-only", "perdure/work/r"])).toBe(
      "README.md\nworkflows\nx.txt\ny.txt\n",
    );
  });
  test("sees none of our tokens", async () => {
    sample = aSample({ files: { "workflows/one.yaml": definition } });
    const agent = sample.put("agent.sh", "env > seen.txt\n");
    await sample.cli(["run", "one", "--run", "r", "--agent", "command", "--agent-config", `command=/bin/sh ${agent}`], {
      environment: {
        GITHUB_TOKEN: "ghs_secretsecret",
        ACTIONS_RUNTIME_TOKEN: "secretsecret",
        NPM_TOKEN: "secretsecret",
        PERDURE_SECRET: "secretsecret",
      },
    });
    const seen = git(sample.repository, ["show", "perdure/work/r:seen.txt"]);
    expect(seen).not.toMatch(/secretsecret/);
    expect(seen).toMatch(/^PERDURE_IDEMPOTENCY_KEY=r\/work\/1$/m);
  });
});

describe("a document that breaks its contract", () => {
  const bad = "decision: maybe\nestimated_complexity: trivial\napproach: none\n";
  test("goes back to the agent once, and then the step fails as contract", async () => {
    sample = aSample({ example: "fix-typo" });
    const broken = recording("fix-typo", (text) => text.replace("decision: trivial", "decision: maybe"));
    const { code, stdout } = await sample.cli([
      "run",
      "--task",
      "Fix typo",
      "--script",
      sample.put("script.yaml", broken),
      "--run",
      "r",
    ]);
    expect(code).toBe(1);
    expect(stdout).toContain("contract");
    const journal = await journalOf(sample, "r");
    expect(failures(journal)).toContain("contract");
    expect(fileOn(sample.repository, "perdure/runs/r", "errors/triage@1.md")).toMatch(/decision/);
  });
  test("is accepted when the agent mends it, told by place, expected and received", async () => {
    sample = aSample({ files: { "workflows/one.yaml": "steps:\n  - { id: triage, skill: triage }\n" } });
    const agent = sample.put(
      "agent.sh",
      `cat > task.json\nif grep -q 'decision.*maybe\\|not-one-of\\|Received' task.json; then D=trivial; else D=maybe; fi\nrm task.json\nprintf 'decision: %s\\nestimated_complexity: trivial\\napproach: none\\n' $D > .perdure/out/triage-plan.yaml\n`,
    );
    expect(bad).toContain("maybe");
    const { code } = await sample.cli([
      "run",
      "one",
      "--run",
      "r",
      "--agent",
      "command",
      "--agent-config",
      `command=/bin/sh ${agent}`,
    ]);
    expect(code).toBe(0);
    expect(fileOn(sample.repository, "perdure/runs/r", "triage-plan.yaml")).toContain("decision: trivial");
  });
});

test("a checkout stays as it was while an agent works elsewhere", async () => {
  sample = aSample({ files: { "workflows/one.yaml": definition } });
  const before = checkoutOf(sample.repository);
  const agent = sample.put("agent.sh", "echo new > README.md; rm -rf workflows\n");
  expect(
    (await sample.cli(["run", "one", "--run", "r", "--agent", "command", "--agent-config", `command=/bin/sh ${agent}`]))
      .code,
  ).toBe(0);
  expect(checkoutOf(sample.repository)).toEqual(before);
});
