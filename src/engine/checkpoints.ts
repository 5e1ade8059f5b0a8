import type { Oid } from "../core/brand.ts";
import type { AgentSession } from "../ports/agent.ts";
import type { Tree } from "../ports/workspace.ts";
import { sessionPath } from "./steps/agent-task.ts";
import { checkpointRef } from "./steps/work.ts";
import type { Attempt } from "./worker.ts";

/**
 * Keeps what a long step has done so far where another machine finds it: the uncommitted work as a commit on the
 * checkpoint branch, and the agent's session. Best effort in what it catches, exact in what it claims: the event and
 * the branch move together.
 */
export async function checkpoint(
  attempt: Attempt,
  tree: Tree,
  reason: "timer" | "signal",
  session?: AgentSession,
): Promise<void> {
  const { worker, key } = attempt;
  const { ledger, ports } = worker;
  const { run, head, checkpointHead, steps } = ledger.state();
  // Dated by the step's start, so that the same work gives the same commit, and an idle interval keeps nothing.
  const at = steps[key]?.startedAt ?? ports.clock.now();
  const saved = await tree.save({ subject: `checkpoint ${key}`, body: `Perdure-Run: ${run}`, at }, head);
  const commit: Oid = saved?.commit ?? head;
  const isNews = steps[key]?.resume?.commit !== commit;
  if (!isNews && reason === "timer") return;
  const packed = session && (await ports.vault.pack(session.bytes));
  if (!isNews && !packed) return;
  const path = sessionPath(key);
  ledger.append(
    [
      {
        type: "step.checkpointed",
        step: key,
        attempt: attempt.attempt,
        commit,
        reason,
        ...(session && packed && { session: { id: session.id, path } }),
      },
    ],
    packed ? { [path]: packed } : {},
    checkpointHead === commit ? [] : [{ name: checkpointRef(run), before: checkpointHead ?? null, after: commit }],
  );
  await ledger.fold();
}

/** Checkpoints at every interval until the returned function is called, which settles when none is under way. */
export function checkpointEvery(
  attempt: Attempt,
  tree: Tree,
  session: () => Promise<AgentSession | undefined>,
): () => Promise<void> {
  const { clock } = attempt.worker.ports;
  const { checkpointMs } = attempt.worker.policy;
  let stopped = false;
  let cancel = (): void => undefined;
  let current: Promise<void> = Promise.resolve();
  const next = (): void => {
    cancel = clock.after(checkpointMs, () => {
      // A checkpoint that fails costs at most what the next one saves; the step itself goes on.
      current = session()
        .then((found) => (stopped ? undefined : checkpoint(attempt, tree, "timer", found)))
        .catch(() => undefined)
        .finally(() => {
          if (!stopped) next();
        });
    });
  };
  next();
  return async () => {
    stopped = true;
    cancel();
    await current;
  };
}
