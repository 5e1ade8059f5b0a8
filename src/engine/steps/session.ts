import type { StepState } from "../../core/state.ts";
import type { AgentSession } from "../../ports/agent.ts";
import type { Worker } from "../worker.ts";

/** The session that an interrupted attempt left, unpacked; undefined when there is none or it cannot be read. */
export async function restoreSession(worker: Worker, step: StepState | undefined): Promise<AgentSession | undefined> {
  const kept = step?.resume?.session;
  const packed = kept && (await worker.ledger.read(kept.path));
  if (!kept || !packed) return undefined;
  try {
    return { id: kept.id, bytes: await worker.ports.vault.unpack(packed) };
  } catch {
    // Damaged or from a newer version: the agent starts afresh, which costs context and nothing else (agent law A5).
    return undefined;
  }
}
