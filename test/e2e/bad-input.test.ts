import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { aSample, checkoutOf, journalOf, recording, type Sample, sampleIn } from "../support/sample.ts";
import { git } from "../support/store-fixtures.ts";

let sample: Sample;
const started: Sample[] = [];
const made = (recipe: Parameters<typeof aSample>[0] = {}): Sample => {
  sample = aSample(recipe);
  started.push(sample);
  return sample;
};
afterEach(async () => {
  for (const one of started.splice(0)) await one.remove();
});

/** The codes of the problems that a command printed, in brackets after their sentences. */
const codes = (text: string): readonly string[] => [...text.matchAll(/\[([a-z-]+)\]$/gm)].map(([, code = ""]) => code);
const noop = "steps:\n  - { id: a, condition: 'true' }\n";

describe("a place that cannot hold a run", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "perdure-nowhere-"));
    mkdirSync(join(folder, "repository"));
    mkdirSync(join(folder, "person"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("is no git repository", async () => {
    const { code, stderr } = await sampleIn(folder).cli(["run", "--task", "x"]);
    expect([code, codes(stderr)]).toEqual([2, ["not-a-repository"]]);
    expect(stderr).toContain("git init");
  });
  test("is a repository without commits", async () => {
    git(join(folder, "repository"), ["init", "--quiet"]);
    const here = sampleIn(folder);
    const { code, stderr } = await here.cli(["run", "one", "--agent", "scripted"], {});
    expect([code, codes(stderr)]).toEqual([2, ["unknown-workflow"]]);
    mkdirSync(join(folder, "repository", "workflows"));
    writeFileSync(join(folder, "repository", "workflows", "one.yaml"), noop);
    const again = await here.cli(["run", "one"]);
    expect([again.code, codes(again.stderr)]).toEqual([2, ["no-commits"]]);
    expect(git(join(folder, "repository"), ["for-each-ref"])).toBe("");
  });
});

describe("a checkout that is not clean", () => {
  test("is left byte for byte as it was, and what is uncommitted is said to be no part of the run", async () => {
    made({ example: "fix-typo" });
    writeFileSync(join(sample.repository, "README.md"), "mine, not committed\n");
    writeFileSync(join(sample.repository, "new.txt"), "mine too\n");
    git(sample.repository, ["add", "new.txt"]);
    const before = checkoutOf(sample.repository);
    const script = sample.put("script.yaml", recording("fix-typo"));
    const { code, stderr } = await sample.cli(["run", "--task", "Fix typo", "--script", script, "--run", "r"]);
    expect(code).toBe(0);
    expect(stderr).toContain("not part of the run");
    expect(checkoutOf(sample.repository)).toEqual(before);
    expect(git(sample.repository, ["show", "perdure/work/r:README.md"])).toContain("tells the weather");
  });
  test("may have a detached head", async () => {
    made({ files: { "workflows/one.yaml": noop } });
    git(sample.repository, ["checkout", "--quiet", "--detach"]);
    expect((await sample.cli(["run", "one", "--run", "r"])).code).toBe(0);
    expect(git(sample.repository, ["rev-parse", "--abbrev-ref", "HEAD"]).trim()).toBe("HEAD");
  });
});

describe("a definition that is wrong", () => {
  const said = async (yaml: string): Promise<string> => {
    made({ files: { "workflows/one.yaml": yaml } });
    const { code, stderr } = await sample.cli(["run", "one"]);
    expect(code).toBe(2);
    expect(git(sample.repository, ["for-each-ref", "refs/heads/perdure"])).toBe("");
    return stderr;
  };
  test("is told by line and column, with what was expected and received", async () => {
    const stderr = await said("steps:\n  - run: x\n    on_failure: ignore\n");
    expect(stderr).toContain("workflows/one.yaml:3:5");
    expect(stderr).toMatch(/expected .*fail/);
    expect(stderr).toMatch(/received .*ignore/);
  });
  test("is no YAML at all", async () => {
    expect(await said("steps:\n  - run: 'x\n")).toContain("workflows/one.yaml:");
  });
  test("has a key that is nearly one", async () => {
    expect(await said("steps:\n  - run: x\n    timout: 5m\n")).toContain("timeout");
  });
  test("names a skill that is nowhere", async () => {
    expect(codes(await said("steps:\n  - skill: fly\n"))).toEqual(["unknown-skill"]);
  });
  test("is not there, and the nearest that is gets named", async () => {
    made({ files: { "workflows/tidy.yaml": noop } });
    const { code, stderr } = await sample.cli(["run", "tidi"]);
    expect([code, codes(stderr)]).toEqual([2, ["unknown-workflow"]]);
    expect(stderr).toContain("Did you mean `tidy`?");
  });
  test("gets an input that it does not know, or none that it needs", async () => {
    made({ files: { "workflows/one.yaml": `inputs:\n  env: { required: true, options: [staging] }\n${noop}` } });
    expect(codes((await sample.cli(["run", "one"])).stderr)).toEqual(["missing-input"]);
    expect(codes((await sample.cli(["run", "one", "--env", "prod"])).stderr)).toEqual(["bad-input"]);
    expect(codes((await sample.cli(["run", "one", "--env", "staging", "--x=1"])).stderr)).toEqual(["unknown-input"]);
    expect((await sample.cli(["run", "one", "--env", "staging"])).code).toBe(0);
  });
});

test("text of a person never turns into a command", async () => {
  made({
    files: {
      "workflows/one.yaml": 'inputs:\n  name: {}\nsteps:\n  - run: printf "%s" "{{ inputs.name }}" > out.txt\n',
    },
  });
  const name = '$(touch /tmp/perdure-owned); `id` "; exit 9; "';
  expect((await sample.cli(["run", "one", "--run", "r", `name=${name}`])).code).toBe(0);
  expect(git(sample.repository, ["show", "perdure/work/r:out.txt"])).toBe(name);
});

describe("words that no command has", () => {
  test("get the nearest one, and exit code 2", async () => {
    made();
    const { code, stderr } = await sample.cli(["statsu"]);
    expect(code).toBe(2);
    expect(stderr).toContain("status");
  });
  test("a run that is not there is said to be not there", async () => {
    made({ files: { "workflows/one.yaml": noop } });
    expect(codes((await sample.cli(["resume"])).stderr)).toEqual(["no-runs"]);
    await sample.cli(["run", "one", "--run", "first-run"]);
    const { code, stderr } = await sample.cli(["status", "first-rnu"]);
    expect([code, codes(stderr)]).toEqual([2, ["unknown-run"]]);
    expect(stderr).toContain("first-run");
    expect(codes((await sample.cli(["resume", "first-run"])).stderr)).toEqual(["run-over"]);
    expect(codes((await sample.cli(["run", "one", "--run", "first-run"])).stderr)).toEqual(["run-exists"]);
  });
});

test("a state branch that somebody edited is refused, and nothing is changed", async () => {
  made({ files: { "workflows/one.yaml": `steps:\n  - { id: ask, ask: "Go on?" }\n` } });
  expect((await sample.cli(["run", "one", "--run", "r"])).code).toBe(3);
  const tree = join(sample.folder, "edit");
  git(sample.repository, ["worktree", "add", "--quiet", tree, "perdure/runs/r"]);
  const file = join(tree, "journal", "0000", "000001.jsonl");
  execFileSync("sed", ["-i", 's/"kind":"manual"/"kind":"label"/', file]);
  git(tree, [
    "-c",
    "user.name=x",
    "-c",
    "user.email=x@y.invalid",
    "commit",
    "--quiet",
    "--all",
    "--message",
    "I know better",
  ]);
  git(sample.repository, ["worktree", "remove", "--force", tree]);
  const before = git(sample.repository, ["for-each-ref"]);
  for (const words of [
    ["answer", "r", "1=approve"],
    ["resume", "r"],
    ["status", "r"],
    ["pause", "r"],
  ]) {
    const { code, stderr } = await sample.cli(words);
    expect([code, codes(stderr)], words.join(" ")).toEqual([1, ["journal-broken"]]);
  }
  expect(git(sample.repository, ["for-each-ref"])).toBe(before);
});

test("a disk that is full is said to be, and everything completed is kept", async (context) => {
  made({
    files: {
      "workflows/one.yaml":
        "steps:\n  - { id: a, run: echo a > a.txt }\n  - { id: b, run: dd if=/dev/zero of=big bs=1M count=4 2>/dev/null }\n",
    },
  });
  const home = join(sample.folder, "small");
  mkdirSync(home);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", home], { stdio: "ignore" });
  } catch {
    context.skip("only root may mount a small disk");
  }
  try {
    const { code, stdout, stderr } = await sample.cli(["run", "one", "--run", "r"], { home });
    expect(code).not.toBe(0);
    expect(`${stdout}${stderr}`).toMatch(/no space|No space|ended with code/);
    const done = (await journalOf(sample, "r")).flatMap((event) =>
      event.type === "step.completed" ? [event.step] : [],
    );
    expect(done).toEqual(["a"]);
  } finally {
    execFileSync("umount", [home]);
  }
});
