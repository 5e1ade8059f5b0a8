import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { claudeCodeAgent } from "../../../src/adapters/agent/claude-code.ts";
import { commandAgent } from "../../../src/adapters/agent/command.ts";
import { scriptedAgent } from "../../../src/adapters/agent/scripted.ts";
import { processGroups } from "../../../src/adapters/process/group.ts";
import { agentContract, type Behaviour } from "../agent.contract.ts";

const fixtures = join(import.meta.dirname, "../../fixtures/agents");
const processes = processGroups();

const running = (program: string) => (behaviour: Behaviour) => {
  const known = behaviour === "fails" ? "exit" : behaviour;
  const command = behaviour === "missing" ? ["no-such-agent"] : [process.execPath, join(fixtures, program), known];
  return { config: { command } };
};

agentContract({
  name: "command",
  runsProcesses: true,
  agent: (host) => commandAgent({ processes, host, newId: randomUUID }),
  taskFor: running("behave.mjs"),
});

agentContract({
  name: "claude-code",
  runsProcesses: true,
  agent: (host) => claudeCodeAgent({ processes, host, newId: randomUUID }),
  taskFor: running("fake-claude.mjs"),
});

const turns: Readonly<Partial<Record<Behaviour, object>>> = {
  document: { documents: { "triage-plan.yaml": "fields: true\n" } },
  hang: { doing: ["Thinking"], delay_ms: 60_000 },
  fails: { outcome: { failed: "verification", message: "Recorded so." } },
};

agentContract({
  name: "scripted",
  runsProcesses: false,
  agent: () => scriptedAgent(),
  taskFor: (behaviour) => ({ config: { script: { turns: [{ skill: "triage", ...turns[behaviour] }] } } }),
});
