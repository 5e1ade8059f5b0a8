import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { endOf } from "../support/agent-task.ts";
import { claudeBinary, claudeVersion } from "../support/claude-binary.ts";
import { bash, realClaude, until, write } from "../support/real-claude.ts";

const binary = await claudeBinary();
const { model, newTree, parent, run, tree } = realClaude(binary);

describe.skipIf(binary === undefined)(`Claude Code ${claudeVersion}, the real program, and its sessions`, () => {
  it("SIGKILLed in the middle, goes on in another directory of another home with all it had done", async () => {
    const done = [write(join(tree(), "src/b.ts"), "export {};\n"), bash("ls src")];
    const first = await model([...done, { hang: true }]);
    const pid = join(parent(), "pid");
    const command = ["/bin/sh", "-c", 'echo $$ > "$0"; exec "$@"', pid, String(binary)];
    const running = run(first, { task: { config: { command } } });
    await until(() => first.requests.length === 3);
    // The program writes its session down up to 50 ms after the fact; what it had not yet written would be done again.
    await sleep(500);
    process.kill(Number(readFileSync(pid, "utf8")), "SIGKILL");
    const killed = (await running).result;
    expect(killed.outcome).toMatchObject({ class: "infrastructure", message: expect.stringContaining("SIGKILL") });
    expect(killed.spending.turns).toBe(2);
    expect(Buffer.from(killed.session?.bytes ?? []).toString()).not.toContain(tree());

    const second = await model([...done, { text: "All done." }]);
    const elsewhere = newTree("elsewhere");
    const session = killed.session;
    expect(session).toBeDefined();
    const { result } = await run(second, {
      directory: elsewhere,
      home: "other-home",
      task: { ...(session && { session }) },
    });
    expect(result).toMatchObject({ outcome: { kind: "done", text: "All done." }, warnings: [] });
    expect(result.session?.id).toBe(session?.id);
    expect(second.requests).toHaveLength(1);
    expect(second.requests[0]?.toolResults).toEqual([
      expect.stringContaining("src/b.ts"),
      expect.stringContaining("b.ts"),
    ]);
    const sent = JSON.stringify(second.requests[0]?.body["messages"]);
    expect(sent).toContain(join(elsewhere, "src/b.ts"));
    expect(sent).not.toContain(join(tree(), "src/b.ts"));
  });

  it("stopped in the middle, leaves a session that can be resumed", async () => {
    const first = await model([bash("ls"), { hang: true }]);
    const controller = new AbortController();
    const running = run(first, { signal: controller.signal });
    await until(() => first.requests.length === 2);
    controller.abort();
    const stopped = (await running).result;
    expect(endOf(stopped)).toBe("interrupted");
    const second = await model([bash("ls"), { text: "Done." }]);
    const { result } = await run(second, {
      home: "other-home",
      task: { ...(stopped.session && { session: stopped.session }) },
    });
    expect(result).toMatchObject({ outcome: { kind: "done" }, warnings: [] });
    expect(second.requests[0]?.toolResults).toHaveLength(1);
  });

  it("given a session that nobody knows, begins afresh and says so", async () => {
    const session = { id: randomUUID(), bytes: new TextEncoder().encode("nonsense\n") };
    const { result } = await run(await model([{ text: "Done." }]), { task: { session } });
    expect(result.outcome.kind).toBe("done");
    expect(result.warnings).toEqual([expect.stringContaining("No conversation found")]);
  });

  it("given a session that the API refuses, begins afresh and says so", async () => {
    const first = (await run(await model([{ text: "Done." }]))).result;
    const isResumed = (text: string): boolean => text.includes("goes on now");
    const server = await model(({ body }) =>
      isResumed(JSON.stringify(body["messages"]))
        ? [{ status: 400, message: "Invalid signature" }]
        : [{ text: "Afresh." }],
    );
    const { result } = await run(server, { task: { ...(first.session && { session: first.session }) } });
    expect(result.outcome).toEqual({ kind: "done", text: "Afresh." });
    expect(result.warnings).toEqual([expect.stringContaining("could not be resumed")]);
  });

  it("keeps nothing in mind from one task to the next", async () => {
    const server = await model([{ text: "Done." }]);
    await run(server);
    expect(JSON.stringify(server.requests[0]?.body)).not.toContain("memory/");
  });
});
