import type { Oid, RunId, StepKey } from "../../core/brand.ts";
import type { EventBody } from "../../core/event.ts";
import type { RunState } from "../../core/state.ts";
import type { RefChange } from "../../ports/store.ts";
import type { Saved, Tree } from "../../ports/workspace.ts";
import type { Attempt, Outcome } from "../worker.ts";
import type { Completion } from "./outcome.ts";

/** The run's code: verified work grows here, one commit a step. */
export const workRef = (run: RunId): string => `refs/heads/perdure/work/${run}`;
/** Where uncommitted work of a long step is kept, so that another machine can go on with it. */
export const checkpointRef = (run: RunId): string => `refs/heads/perdure/checkpoint/${run}`;

/** Completes a step with whatever changed in the tree as its commit; event and branch move together (law J11). */
export async function workCompleted(
  attempt: Attempt,
  tree: Tree,
  completion: Completion & { readonly subject: string },
): Promise<Outcome> {
  const { worker, key } = attempt;
  const state = worker.ledger.state();
  const saved = await saveWork(attempt, tree, completion.subject);
  const summary = completion.summary !== "" ? completion.summary : saved ? countFiles(saved.files.length) : "";
  const checkpoint = attempt.step.checkpoint ? state.checkpoints.length + 1 : undefined;
  const body: EventBody = {
    type: "step.completed",
    step: key,
    attempt: attempt.attempt,
    outputs: completion.outputs,
    summary,
    documents: [],
    ...(saved && { work: workOf(state, saved) }),
    ...(checkpoint !== undefined && { checkpoint }),
  };
  return { bodies: [body], refs: saved ? [workChange(state, saved.commit)] : [] };
}

/** The tree's changes as a commit on the head of the work branch, or undefined when there are none. */
export async function saveWork(attempt: Attempt, tree: Tree, subject: string): Promise<Saved | undefined> {
  const { worker, key } = attempt;
  const state = worker.ledger.state();
  const saved = await tree.save({ subject, body: trailers(state.run, key), at: worker.ports.clock.now() }, state.head);
  if (saved) await tree.settle(saved.commit);
  return saved;
}

export const workOf = (
  state: RunState,
  saved: Saved,
): { readonly before: Oid; readonly after: Oid; readonly files: number } => ({
  before: state.head,
  after: saved.commit,
  files: saved.files.length,
});

export const workChange = (state: RunState, commit: Oid): RefChange => ({
  name: workRef(state.run),
  before: state.head,
  after: commit,
});

const trailers = (run: RunId, key: StepKey): string => `Perdure-Run: ${run}\nPerdure-Step: ${key}`;
export const countFiles = (count: number): string => (count === 1 ? "1 file" : `${count} files`);
