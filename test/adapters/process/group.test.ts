import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { processGroups } from "../../../src/adapters/process/group.ts";
import type { Ended, ProcessLine, ProcessSpec } from "../../../src/ports/processes.ts";
import { isAlive } from "../../support/alive.ts";

const onLinux = process.platform === "linux";
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-group-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const shell = (script: string, more: Partial<ProcessSpec> = {}): ProcessSpec => ({
  command: ["/bin/sh", "-c", script],
  directory,
  environment: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
  timeoutMs: 20_000,
  graceMs: 2_000,
  ...more,
});

async function run(
  spec: ProcessSpec,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ readonly ended: Ended; readonly lines: readonly ProcessLine[] }> {
  const lines: ProcessLine[] = [];
  const ended = await processGroups().run(spec, signal, (line) => lines.push(line));
  return { ended, lines };
}

const pidIn = (file: string): number => Number(readFileSync(join(directory, file), "utf8").trim());
async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 5_000; !holds() && Date.now() < end; ) await sleep(10);
  expect(holds()).toBe(true);
}

describe("a program", () => {
  it("P1 sees the environment it is given, its mark, and nothing else", async () => {
    const { ended } = await run({ ...shell(""), command: ["/usr/bin/env"], environment: { ONLY: "this" } });
    expect(ended.stdout.trim().split("\n").sort()).toEqual([
      "ONLY=this",
      expect.stringMatching(/^PERDURE_ATTEMPT=\w+/),
    ]);
  });

  it("P1 gets its arguments as they are, and is looked up in the given PATH", async () => {
    writeFileSync(join(directory, "say"), '#!/bin/sh\nprintf "%s|" "$@"\n', { mode: 0o755 });
    const argument = "$(touch x); `id` *";
    const { ended } = await run({
      ...shell(""),
      command: ["say", argument, ""],
      environment: { PATH: `${directory}:/usr/bin:/bin` },
    });
    expect(ended).toMatchObject({ how: { kind: "exited", code: 0 }, stdout: `${argument}||` });
  });

  it("reads its input, and may end without reading it", async () => {
    expect((await run(shell("cat", { input: "ünï\ncode" }))).ended.stdout).toBe("ünï\ncode");
    const { ended } = await run(shell("exit 3", { input: "x".repeat(2_000_000) }));
    expect(ended.how).toEqual({ kind: "exited", code: 3 });
  });

  it("P5 gives its lines in order, the last one without an end included", async () => {
    const { lines } = await run(shell("echo one; echo two >&2; sleep 0.05; printf 'three\\r\\n\\nfour'"));
    expect(lines.filter((line) => line.stream === "stdout").map((line) => line.text)).toEqual([
      "one",
      "three",
      "",
      "four",
    ]);
    expect(lines.filter((line) => line.stream === "stderr").map((line) => line.text)).toEqual(["two"]);
  });

  it("P5 does not tear characters that arrive in two halves", async () => {
    const { lines } = await run(shell("printf '\\303'; sleep 0.05; printf '\\274\\n'"));
    expect(lines).toEqual([{ stream: "stdout", text: "ü" }]);
  });

  it("P5 is held in bounded memory, however much it writes", async () => {
    const spec = shell("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end", { keep: 1000, lineLimit: 50 });
    const { ended, lines } = await run(spec);
    expect(ended.stdout).toHaveLength(1000);
    expect(ended.stdout.endsWith("x\nend\n")).toBe(true);
    expect(lines.map((line) => line.text)).toEqual(["x".repeat(50), "end"]);
  });

  it("P3 that ends with a signal of somebody else was killed", async () => {
    const { ended } = await run(shell("kill -9 $$"));
    expect(ended.how).toEqual({ kind: "killed", signal: "SIGKILL" });
  });
});

describe("P3 a program that cannot be started", () => {
  it("says that there is no such program", async () => {
    const { ended } = await run({ ...shell(""), command: ["no-such-agent"] });
    expect(ended).toEqual({
      how: { kind: "not-started", reason: "no-program" },
      stdout: "",
      stderr: "",
      survivors: [],
    });
  });

  it("says that it is not executable", async () => {
    writeFileSync(join(directory, "agent"), "#!/bin/sh\n");
    chmodSync(join(directory, "agent"), 0o644);
    const { ended } = await run({ ...shell(""), command: ["./agent"] });
    expect(ended.how).toEqual({ kind: "not-started", reason: "not-executable" });
  });

  it("says that its directory is missing", async () => {
    const { ended } = await run({ ...shell("true"), directory: join(directory, "gone") });
    expect(ended.how).toEqual({ kind: "not-started", reason: "no-directory" });
  });

  it("says that its arguments are too long", async () => {
    const { ended } = await run({ ...shell(""), command: ["/bin/echo", "x".repeat(5_000_000)] });
    expect(ended.how).toEqual({ kind: "not-started", reason: "too-long" });
  });
});

describe("P4 stopping", () => {
  it("asks first: a program that cleans up on SIGTERM may do so", async () => {
    const spec = shell("trap 'echo cleaned; exit 0' TERM; echo ready; while :; do sleep 0.01; done", {
      timeoutMs: 300,
    });
    const { ended } = await run(spec);
    expect(ended).toMatchObject({ how: { kind: "timed-out" }, stdout: "ready\ncleaned\n" });
  });

  it("kills after the grace, also what ignores SIGTERM", async () => {
    const began = performance.now();
    const spec = shell("trap '' TERM; echo $$ > pid; while :; do sleep 0.01; done", { timeoutMs: 200, graceMs: 300 });
    const { ended } = await run(spec);
    expect(ended.how).toEqual({ kind: "timed-out" });
    expect(performance.now() - began).toBeGreaterThanOrEqual(480);
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(isAlive(pidIn("pid"))).toBe(false);
  });

  it("happens when the signal is aborted", async () => {
    const controller = new AbortController();
    const running = run(shell("echo $$ > pid; sleep 60"), controller.signal);
    await until(() => existsSync(join(directory, "pid")) && pidIn("pid") > 0);
    const began = performance.now();
    controller.abort();
    expect((await running).ended.how).toEqual({ kind: "aborted" });
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(isAlive(pidIn("pid"))).toBe(false);
  });

  it("before the start starts nothing", async () => {
    const { ended } = await run(shell("touch started"), AbortSignal.abort());
    expect(ended.how).toEqual({ kind: "aborted" });
    expect(readdirSync(directory)).toEqual([]);
  });

  it("takes a time limit longer than any timer", async () => {
    const { ended } = await run(shell("sleep 0.05", { timeoutMs: Number.MAX_SAFE_INTEGER }));
    expect(ended.how).toEqual({ kind: "exited", code: 0 });
  });
});

describe("P2 nothing stays behind", () => {
  it("of children that outlive the program", async () => {
    const { ended } = await run(shell("sleep 60 & echo $! > child; exit 0"));
    expect(ended).toMatchObject({ how: { kind: "exited", code: 0 }, survivors: [] });
    expect(isAlive(pidIn("child"))).toBe(false);
  });

  it("of children that threw their environment away and will not be asked", async () => {
    const script = "env -i /bin/sh -c 'trap \"\" TERM; echo $$ > child; exec sleep 60' & sleep 0.2";
    await run(shell(script, { graceMs: 100 }));
    expect(isAlive(pidIn("child"))).toBe(false);
  });

  it.runIf(onLinux)("of daemons that left its group and session", async () => {
    const { ended } = await run(
      shell("setsid sh -c 'echo $$ > daemon; trap \"\" TERM; exec sleep 60' > /dev/null 2>&1 & sleep 0.2", {
        graceMs: 100,
      }),
    );
    expect(ended).toMatchObject({ how: { kind: "exited", code: 0 }, survivors: [] });
    expect(isAlive(pidIn("daemon"))).toBe(false);
  });

  it.runIf(onLinux)("of a program that a program of ours started in a group of its own", async () => {
    const inner =
      "PERDURE_ATTEMPT=$PERDURE_ATTEMPT/inner setsid sh -c 'echo $$ > daemon; exec sleep 60' > /dev/null 2>&1 & sleep 0.2";
    await run(shell(inner));
    expect(isAlive(pidIn("daemon"))).toBe(false);
  });

  it("when the listener throws, which is a bug and surfaces", async () => {
    const running = processGroups().run(
      shell("echo $$ > pid; echo line; sleep 60"),
      new AbortController().signal,
      () => {
        throw new Error("a bug");
      },
    );
    await expect(running).rejects.toThrow("a bug");
    expect(isAlive(pidIn("pid"))).toBe(false);
  });

  it("and a program that holds the pipes open does not hold up the end", async () => {
    const began = performance.now();
    await run(shell("sleep 60 & exit 0"));
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it.runIf(onLinux)("P6 of an earlier run of the same slot, and of that one only", async () => {
    const first = new AbortController();
    const earlier = run(shell("echo $$ > pid; sleep 60", { slot: "tree run/step/1" }), first.signal);
    await until(() => existsSync(join(directory, "pid")) && pidIn("pid") > 0);
    const pid = pidIn("pid");
    await run(shell("true", { slot: "tree run/other/1" }));
    expect(isAlive(pid)).toBe(true);
    const { ended } = await run(shell("true", { slot: "tree run/step/1" }));
    expect(ended.how).toEqual({ kind: "exited", code: 0 });
    expect(isAlive(pid)).toBe(false);
    expect((await earlier).ended.how).toEqual({ kind: "killed", signal: "SIGTERM" });
  });

  it.runIf(onLinux)("P6 of an earlier run of a slot, without running anything after it", async () => {
    const earlier = run(shell("echo $$ > pid; sleep 60", { slot: "tree" }));
    await until(() => existsSync(join(directory, "pid")) && pidIn("pid") > 0);
    expect(await processGroups().end("another tree", 1_000)).toBe(0);
    expect(isAlive(pidIn("pid"))).toBe(true);
    expect(await processGroups().end("tree", 1_000)).toBeGreaterThan(0);
    expect(isAlive(pidIn("pid"))).toBe(false);
    await earlier;
    expect(await processGroups().end("tree", 1_000)).toBe(0);
  });

  it.runIf(onLinux)("P6 of a run whose starter was SIGKILLed", async () => {
    const bundle = join(directory, "group.mjs");
    const entryPoints = [join(import.meta.dirname, "../../../src/adapters/process/group.ts")];
    await build({ entryPoints, outfile: bundle, bundle: true, platform: "node", format: "esm", logLevel: "error" });
    const spec = JSON.stringify(shell("echo $$ > pid; sleep 60", { slot: "tree run/step/1" }));
    const code = `import { processGroups } from ${JSON.stringify(bundle)};
      await processGroups().run(${spec}, new AbortController().signal, () => undefined);`;
    const starter = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: "ignore" });
    await until(() => existsSync(join(directory, "pid")) && pidIn("pid") > 0);
    starter.kill("SIGKILL");
    await once(starter, "exit");
    expect(isAlive(pidIn("pid"))).toBe(true);
    await run(shell("true", { slot: "tree run/step/1" }));
    expect(isAlive(pidIn("pid"))).toBe(false);
  });

  it("and what belongs to others is left alone", async () => {
    const other = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
    await run(shell("sleep 60 & exit 0"));
    expect(isAlive(other.pid ?? 0)).toBe(true);
    process.kill(other.pid ?? 0, "SIGKILL");
  });
});
