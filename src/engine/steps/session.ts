import type { StepState } from "../../core/state.ts";
import type { Agent, AgentSession } from "../../ports/agent.ts";
import type { Worker } from "../worker.ts";

export interface Restored {
  readonly session?: AgentSession;
  readonly warnings: readonly string[];
}

/** The session that an interrupted attempt left, unpacked; why there is none, when the agent must start afresh (A5). */
export async function restoreSession(worker: Worker, agent: Agent, step: StepState | undefined): Promise<Restored> {
  // Nothing to go on with; or an agent that keeps no sessions, which says so itself where that matters.
  if (!step?.resume || !agent.snapshot) return { warnings: [] };
  const kept = step.resume.session;
  if (!kept) return { warnings: ["The checkpoint has no session of the agent, which started afresh."] };
  const packed = await worker.ledger.read(kept.path);
  if (!packed) return { warnings: [unreadable] };
  try {
    return { session: { id: kept.id, bytes: await worker.ports.vault.unpack(packed) }, warnings: [] };
  } catch {
    // Damaged or from a newer version: that costs context and nothing else.
    return { warnings: [unreadable] };
  }
}

const unreadable = "The agent's session cannot be read; the agent started afresh.";
