import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAlive } from "../support/alive.ts";
import { claudeBinary, claudeVersion } from "../support/claude-binary.ts";
import {
  aMachine,
  eventually,
  keptConversations,
  type Machine,
  markerOf,
  ourSecrets,
  sessionOn,
  tokenRefreshConversations,
} from "../support/claude-cycle.ts";
import { type ModelServer, type Script, scriptByMarker, startModelServer } from "../support/model-server.ts";
import {
  aSample,
  completedIn,
  type Ended,
  fileOn,
  filesOn,
  journalOf,
  type Logged,
  recording,
  type Sample,
  storyOf,
  treeOf,
} from "../support/sample.ts";

const binary = (await claudeBinary()) ?? "";
const conversations = tokenRefreshConversations();
const task = ["--task", "Implement token refresh", "--branch", "feature/refresh", "--run", "cycle"];
/** Kept seldom by default; these tests have no minutes to spare. */
const oftenKept = { ".github/perdure.yml": "limits:\n  checkpoint_seconds: 1\n" };
const recipe = { example: "token-refresh", packages: true, files: oftenKept } as const;

const samples: Sample[] = [];
const servers: ModelServer[] = [];
const sampled = (): Sample => {
  const sample = aSample(recipe);
  samples.push(sample);
  return sample;
};
const model = async (script: Script): Promise<ModelServer> => {
  const server = await startModelServer(script);
  servers.push(server);
  return server;
};
afterAll(async () => {
  // Without its model, an agent that a failed test has left behind ends by itself.
  await Promise.all(servers.map((server) => server.close()));
  await Promise.all(samples.map((sample) => sample.remove()));
});

/** Everything on the run's branch as one text, the sessions unpacked. */
const branchText = ({ repository }: Sample): string =>
  filesOn(repository, "perdure/runs/cycle")
    .map((path) =>
      path.startsWith("sessions/")
        ? sessionOn(repository, "cycle", path.slice("sessions/".length, -".gz".length))
        : fileOn(repository, "perdure/runs/cycle", path),
    )
    .join("\n");

describe.skipIf(binary === "")(`The third example with Claude Code ${claudeVersion}, the real program`, () => {
  /** The same with the scripted agent: what the recording comes to. */
  let recorded: Sample;
  let sample: Sample;
  let server: ModelServer;
  let machine: Machine;
  let run: Ended;
  let journal: readonly Logged[];
  beforeAll(async () => {
    [recorded, sample] = [sampled(), sampled()];
    server = await model(scriptByMarker(conversations));
    machine = aMachine(sample, { name: "machine", binary, model: server });
    const script = recorded.put("script.yaml", recording("token-refresh"));
    const scripted = recorded.cli(["run", ...task, "--script", script]);
    run = await sample.cli(["run", ...task, "--agent", "claude-code"], machine.where);
    expect((await scripted).code).toBe(0);
    journal = await journalOf(sample, "cycle");
  });

  it("fails three times, argues with itself and passes, step by step as it was recorded", async () => {
    expect(run.code, run.stderr).toBe(0);
    expect(storyOf(journal)).toEqual(storyOf(await journalOf(recorded, "cycle")));
    const verdicts = journal.flatMap((event) =>
      event.type === "step.completed" && event.step.startsWith("verify@") ? [event.outputs["status"]] : [],
    );
    expect(verdicts).toEqual(["failed", "failed", "failed", "passed"]);
    expect(completedIn(journal).slice(-4)).toEqual(["devils-advocate@4", "fix@4", "verify@4", "deliver"]);
  });

  it("comes to the same code and the same documents, without a warning of its own", async () => {
    for (const branch of ["feature/refresh", "perdure/work/cycle"])
      expect(treeOf(sample.repository, branch)).toBe(treeOf(recorded.repository, branch));
    const documents = filesOn(recorded.repository, "perdure/runs/cycle").filter((path) =>
      /^(?:triage-plan|execute\/|pre-verify\/|devils-advocate\/)/.test(path),
    );
    expect(documents).toHaveLength(8);
    for (const path of documents)
      expect(fileOn(sample.repository, "perdure/runs/cycle", path)).toBe(
        fileOn(recorded.repository, "perdure/runs/cycle", path),
      );
    const third = fileOn(sample.repository, "perdure/runs/cycle", "verify/attempt-3/verification-results.md");
    expect(third).toContain("hypothesis: The refresh token is not found among the sessions.");
    const warnings = journal.flatMap((event) => (event.type === "step.completed" ? (event.warnings ?? []) : []));
    expect(warnings).toEqual([1, 2].map((n) => expect.stringContaining(`The same failure as in attempt ${n}`)));
  });

  it("tells the agent what failed, what was guessed, and what the devil's advocate found", () => {
    const opening = (marker: string): string =>
      server.requests.find((request) => request.opening.includes(marker))?.opening ?? "";
    expect(opening(markerOf("execute", 1))).not.toContain("What verification found");
    expect(opening(markerOf("execute", 2))).toMatch(/`integration`.*\n.*401 !== 200.*\n.*not found among the sessions/);
    expect(opening(markerOf("execute", 2))).not.toContain("failed in the same way before");
    expect(opening(markerOf("execute", 3))).toContain("failed in the same way before");
    expect(opening(markerOf("devils-advocate"))).toContain(".perdure/in/history/verify-attempt-1");
    expect(opening(markerOf("execute", 4))).toContain('1. "Remove .toString() from issue()." in "src/tokens.ts"');
    // The output of a check names files as the agent knows them, and no folder of this machine.
    expect(opening(markerOf("execute", 2))).toContain("'./build/test/refresh.test.js:");
  });

  it("says what it cost, token by token", async () => {
    const { stdout } = await sample.cli(["status", "cycle", "--json"], machine.where);
    const status = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
    expect(status).toMatchObject({
      status: "completed",
      // As the scripted model counts: 100 in and 20 out for each request.
      spending: {
        inputTokens: 100 * server.requests.length,
        outputTokens: 20 * server.requests.length,
        turns: server.requests.length,
      },
      rows: expect.arrayContaining([expect.objectContaining({ key: "fix@2", usd: expect.any(Number) })]),
    });
    // By its own price list.
    expect(status["usd"]).toBeGreaterThan(0.01);
  });

  it("shows no agent a token of ours, and takes neither one nor a path of the machine to the branch", () => {
    const agents = machine.agents();
    expect(agents).toHaveLength(10);
    for (const { environment } of agents) {
      const names = Object.keys(environment).filter((name) => /^(?:PERDURE|GITHUB|ACTIONS|GIT|GH)_/.test(name));
      expect(names.sort()).toEqual(["PERDURE_ATTEMPT", "PERDURE_IDEMPOTENCY_KEY"]);
    }
    const places = [JSON.stringify(agents), JSON.stringify(server.requests), branchText(sample)];
    for (const secret of Object.values(ourSecrets)) for (const text of places) expect(text).not.toContain(secret);
    expect(branchText(sample)).not.toContain(sample.folder);
  });

  it("leaves every conversation to be opened again, and no process", () => {
    const kept = keptConversations(join(machine.home, ".claude"));
    expect(kept).toHaveLength(10);
    for (const one of kept) expect(one).toMatch(/This was (?:triage|execute|pre-verify|verify|devils-advocate)\./);
    expect(machine.agents().filter(({ pid }) => isAlive(pid))).toEqual([]);
  });

  it("SIGKILLed in the middle of a fix, goes on on another machine with the conversation and the edits", async () => {
    const killed = sampled();
    const marker = markerOf("execute", 2);
    const plan = conversations[marker] ?? [];
    const first = await model(
      scriptByMarker({ ...conversations, [marker]: [...plan.slice(0, 2), { hang: true as const }] }),
    );
    const lost = aMachine(killed, { name: "lost", binary, model: first });
    const worker = killed.start(["run", ...task, "--agent", "claude-code"], lost.where);
    await eventually(() => {
      const session = sessionOn(killed.repository, "cycle", "fix@2");
      const isWhole = session?.includes(marker) && session.includes("updated successfully");
      if (!isWhole) return undefined;
      const work = fileOn(killed.repository, "perdure/checkpoint/cycle", "src/server.ts");
      return work.includes("remember }") || undefined;
    });
    worker.kill("SIGKILL");
    await worker.ended;
    const orphan = lost.agents().find(({ environment }) => environment["PERDURE_IDEMPOTENCY_KEY"] === "cycle/fix/2");
    if (orphan === undefined) throw new Error("The fix had no agent");
    // Nobody on another machine can do anything about it; here it would only eat memory.
    expect(isAlive(orphan.pid)).toBe(true);
    process.kill(-orphan.pid, "SIGKILL");

    const second = await model(scriptByMarker(conversations));
    const environment = { CLAUDE_CONFIG_DIR: join(killed.folder, "configuration") };
    const other = aMachine(killed, { name: "other", binary, model: second, environment });
    const resumed = await killed.cli(["resume", "cycle"], other.where);
    expect(resumed.code, resumed.stderr).toBe(0);

    const [request] = second.requests;
    expect(request?.opening).toContain(marker);
    expect(request?.toolResults).toEqual([
      expect.stringContaining("createServer"),
      expect.stringMatching(/src\/server\.ts has been updated successfully/),
    ]);
    const sent = JSON.stringify(request?.body["messages"]);
    expect(sent).toContain("This conversation goes on now");
    expect(sent).not.toContain(join(killed.folder, "lost"));
    // Both machines' halves of the fix are in its commit: the second edit was made on top of the first.
    expect(treeOf(killed.repository, "feature/refresh")).toBe(treeOf(recorded.repository, "feature/refresh"));

    const after = await journalOf(killed, "cycle");
    expect(completedIn(after)).toEqual(completedIn(journal));
    expect(storyOf(after).filter((line) => line.startsWith("started fix@"))).toEqual([
      "started fix@2",
      "started fix@2, try 2",
      "started fix@3",
      "started fix@4",
    ]);
    const fix = after.find((event) => event.type === "step.completed" && event.step === "fix@2");
    expect(fix).not.toHaveProperty("warnings");
    expect(keptConversations(environment.CLAUDE_CONFIG_DIR)).toHaveLength(other.agents().length);
    expect(branchText(killed)).not.toContain(killed.folder);
    expect(sessionsByStep(after).filter((steps) => steps.length > 1)).toEqual([]);
  });

  it("SIGKILLed before there was a conversation, begins afresh and says so", async () => {
    const killed = sampled();
    const definition = `name: two
version: "1.0.0"
steps:
  - { id: triage, skill: triage }
  - { id: execute, skill: execute }
`;
    killed.put("repository/two.yaml", definition);
    const server = await model(scriptByMarker(conversations));
    const before = 'case "$PERDURE_IDEMPOTENCY_KEY" in */execute/*) exec sleep 300 ;; esac';
    const slow = aMachine(killed, { name: "slow", binary, model: server, before });
    const worker = killed.start(["run", "./two.yaml", ...task, "--agent", "claude-code"], slow.where);
    await worker.says(/^execute running/m);
    await eventually(async () =>
      (await journalOf(killed, "cycle")).find(
        (event) => event.type === "step.checkpointed" && event.step === "execute",
      ),
    );
    worker.kill("SIGKILL");
    await worker.ended;
    for (const { pid } of slow.agents()) if (isAlive(pid)) process.kill(-pid, "SIGKILL");

    const other = aMachine(killed, { name: "other", binary, model: server });
    const resumed = await killed.cli(["resume", "cycle"], other.where);
    expect(resumed.code, resumed.stderr).toBe(0);
    const after = await journalOf(killed, "cycle");
    expect(storyOf(after)).toEqual([
      "started triage",
      "completed triage",
      "started execute",
      "started execute, try 2",
      "completed execute",
    ]);
    // The conversation of the step before lies in the same folder, and is not taken for this one's.
    const [checkpoint] = after.filter((event) => event.type === "step.checkpointed" && event.step === "execute");
    expect(checkpoint).not.toHaveProperty("session");
    expect(after.find((event) => event.type === "step.completed" && event.step === "execute")).toMatchObject({
      warnings: ["The checkpoint has no session of the agent, which started afresh."],
    });
  });
});

/** For every conversation that a checkpoint kept: the steps that claim it. */
const sessionsByStep = (journal: readonly Logged[]): readonly (readonly string[])[] => {
  const steps = new Map<string, Set<string>>();
  for (const event of journal) {
    if (event.type !== "step.checkpointed" || !event.session) continue;
    steps.set(event.session.id, (steps.get(event.session.id) ?? new Set()).add(event.step));
  }
  return [...steps.values()].map((found) => [...found]);
};
