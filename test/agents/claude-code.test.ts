import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { doingOf, endOf } from "../support/agent-task.ts";
import { claudeBinary, claudeVersion } from "../support/claude-binary.ts";
import { scriptByMarker } from "../support/model-server.ts";
import { bash, edit, read, realClaude, write } from "../support/real-claude.ts";

const binary = await claudeBinary();
const { model, run, tree } = realClaude(binary);
const inTree = (path: string): string => readFileSync(join(tree(), path), "utf8");

describe.skipIf(binary === undefined)(`Claude Code ${claudeVersion}, the real program, at its task`, () => {
  it("edits a file, writes a document, and says what it did and what it cost", async () => {
    writeFileSync(join(tree(), "CLAUDE.md"), "Be kind.");
    const server = await model([
      read(join(tree(), "src/a.ts")),
      edit(join(tree(), "src/a.ts"), "= 1", "= 2"),
      write(".perdure/out/triage-plan.yaml", "decision: proceed\n"),
      { text: `Changed ${join(tree(), "src/a.ts")}.` },
    ]);
    const { result, progress } = await run(server);
    expect(result).toMatchObject({ outcome: { kind: "done", text: "Changed src/a.ts." }, warnings: [] });
    expect(result.spending).toMatchObject({ inputTokens: 400, outputTokens: 80, turns: 4 });
    // Its own price list, which changes with its version.
    expect(result.spending.usd).toBeGreaterThan(0.001);
    expect(inTree("src/a.ts")).toBe("export const one = 2;\n");
    expect(inTree(".perdure/out/triage-plan.yaml")).toBe("decision: proceed\n");
    expect(doingOf(progress)).toEqual(["Read src/a.ts", "Edit src/a.ts", "Write .perdure/out/triage-plan.yaml"]);
    const [first] = server.requests;
    expect(first?.opening).toContain("Plan the work.");
    expect(first?.tools).toEqual(expect.arrayContaining(["Bash", "Edit", "Read", "Write"]));
    expect(JSON.stringify(first?.body)).toContain("conventions of this repository stand in CLAUDE.md");
  });

  it("is stopped by its limit of turns", async () => {
    const server = await model([bash("ls"), bash("ls"), { text: "Done." }]);
    const { result } = await run(server, { task: { limits: { timeoutMs: 30_000, turns: 1 } } });
    expect(result.outcome).toMatchObject({
      class: "budget",
      message: expect.stringContaining("maximum number of turns"),
    });
    expect(result.spending.usd).toBeGreaterThan(0);
  });

  it("is stopped by its limit of dollars", async () => {
    const server = await model([bash("ls"), bash("ls"), { text: "Done." }]);
    const { result } = await run(server, { task: { limits: { timeoutMs: 30_000, usd: 0.0005 } } });
    expect(endOf(result)).toBe("budget");
  });

  it("is refused with a wrong key, soon and in clear words", async () => {
    const began = performance.now();
    const { result } = await run(await model([{ status: 401 }]));
    expect(result.outcome).toMatchObject({
      class: "refused",
      message: expect.stringContaining("Check ANTHROPIC_API_KEY"),
    });
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  it("fails by the infrastructure when the model stays overloaded, and shows that it waits", async () => {
    const { result, progress } = await run(await model([{ status: 529 }]));
    expect(endOf(result)).toBe("infrastructure");
    expect(doingOf(progress)).toContain("waiting for the model (529, retry 1 of 1)");
  });

  it("overcomes an overload that passes, and a model that is cut off is no fault of the task", async () => {
    const passing = await model([{ status: 529, times: 1, next: { text: "Done." } }]);
    expect(endOf((await run(passing)).result)).toBe("done");
    expect(endOf((await run(await model([{ cut: true }]))).result)).toBe("infrastructure");
  });

  it("is stopped by its time limit while the model does not answer", async () => {
    const { result } = await run(await model([{ hang: true }]), { task: { limits: { timeoutMs: 2_000 } } });
    expect(endOf(result)).toBe("timeout");
  });

  it("is asked even when the prompt looks like a command of its own", async () => {
    const server = await model([{ text: "Done." }]);
    await run(server, { task: { prompt: "/context is what the issue is about." } });
    expect(server.requests[0]?.opening).toContain("/context is what the issue is about.");
  });

  it("plays its part in a whole cycle, each skill with a script of its own", async () => {
    const server = await model(
      scriptByMarker({
        "skill: triage": [write(".perdure/out/triage-plan.yaml", "x"), { text: "Triaged." }],
        "skill: execute": [write("src/b.ts", "x"), { text: "Executed." }],
      }),
    );
    const triage = await run(server, { task: { prompt: "skill: triage\nPlan." } });
    const execute = await run(server, { task: { prompt: "skill: execute\nDo." } });
    expect([triage, execute].map(({ result }) => result.outcome)).toEqual([
      { kind: "done", text: "Triaged." },
      { kind: "done", text: "Executed." },
    ]);
    expect(existsSync(join(tree(), "src/b.ts"))).toBe(true);
  });
});
