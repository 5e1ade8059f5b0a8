import { unreachable } from "../core/brand.ts";
import type { AgentSession } from "../ports/agent.ts";
import type { Tree } from "../ports/workspace.ts";
import { checkpoint, checkpointEvery } from "./checkpoints.ts";
import { withRecords } from "./records.ts";
import { performAgent } from "./steps/agent.ts";
import { performApproval } from "./steps/approval.ts";
import { performAssert } from "./steps/assert.ts";
import { performChecks } from "./steps/checks.ts";
import { performDeliver } from "./steps/deliver.ts";
import { performShell } from "./steps/shell.ts";
import { performSkill } from "./steps/skill.ts";
import type { Attempt, Outcome } from "./worker.ts";

/** Carries out one attempt at one step. Every end is an outcome; it rejects only for a bug or a failing port. */
export const perform = async (attempt: Attempt): Promise<Outcome> => withRecords(attempt, await carryOut(attempt));

async function carryOut(attempt: Attempt): Promise<Outcome> {
  const { action } = attempt.step;
  switch (action.type) {
    case "assert":
      return performAssert(attempt, action);
    case "approval":
      return performApproval(attempt, action);
    case "deliver":
      return performDeliver(attempt, action);
    case "shell":
      return inTree(attempt, (tree) => performShell(attempt, action, tree));
    case "checks":
      return inTree(attempt, (tree) => performChecks(attempt, action, tree));
    case "agent":
      return inTree(attempt, (tree) => performAgent(attempt, action, tree));
    case "skill":
      return inTree(attempt, (tree) => performSkill(attempt, action, tree));
    case "repeat":
      throw new Error(`A repeat holds steps and performs nothing: ${attempt.key}`);
    default:
      return unreachable(action);
  }
}

/**
 * The run's work tree, at its head, with what the last interrupted attempt had done laid over it. Checkpointed while
 * the step works, and once more when it is stopped. One step at a time has the tree.
 */
async function inTree(attempt: Attempt, work: (tree: Tree) => Promise<Outcome>): Promise<Outcome> {
  const { worker, key } = attempt;
  const { ledger, ports } = worker;
  return worker.treeLock(async () => {
    const { run, head, steps } = ledger.state();
    const open = (): Promise<Tree> => ports.workspace.open(run, head, steps[key]?.resume?.commit);
    const found = await open();
    // A worker that was killed left its agent behind, still editing: what that one did since is not the checkpoint.
    const tree = (await ports.processes.end(found.directory, worker.policy.graceMs)) > 0 ? await open() : found;
    const session = (): Promise<AgentSession | undefined> => worker.sessions.get(key)?.() ?? Promise.resolve(undefined);
    const stop = checkpointEvery(attempt, tree, session);
    try {
      const outcome = await work(tree);
      await stop();
      if (outcome.bodies.some((body) => body.type === "step.interrupted"))
        await checkpoint(attempt, tree, "signal", await session());
      return outcome;
    } finally {
      await stop();
      worker.sessions.delete(key);
    }
  });
}
