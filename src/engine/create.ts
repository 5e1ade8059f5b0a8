import type { Oid, RunId, ValueMap } from "../core/brand.ts";
import type { Definition } from "../core/definition.ts";
import { allSteps } from "../core/definition.ts";
import { type PinnedDefinition, spec, type Trigger } from "../core/event.ts";
import { replay } from "../core/fold.ts";
import type { Owner } from "../core/lease.ts";
import type { RunState } from "../core/state.ts";
import type { Task } from "../core/task.ts";
import type { Clock } from "../ports/clock.ts";
import { type Files, type Store, StoreConflict, type Version } from "../ports/store.ts";
import { stamp } from "./stamp.ts";
import { workRef } from "./steps/work.ts";

export interface NewRun {
  readonly run: RunId;
  readonly definition: Definition;
  readonly pinned: PinnedDefinition;
  readonly task: Task;
  readonly inputs: ValueMap;
  readonly trigger: Trigger;
  readonly base: Oid;
  readonly agent: string;
  readonly agentConfig: ValueMap;
  readonly limits?: { readonly usd?: number; readonly autoResume?: number };
  /** The pinned texts: the definition and the skills it uses. */
  readonly files: Files;
  /** Who begins to work at it at once: the claim rides in the same commit. */
  readonly owner?: Owner;
}

export type Created =
  | { readonly kind: "created"; readonly state: RunState; readonly version: Version }
  | { readonly kind: "exists" };

/** Begins a run. Creating its branch is the idempotent start (law J3): who loses the race finds the run there. */
export async function createRun(
  parts: { readonly store: Store; readonly clock: Clock },
  given: NewRun,
): Promise<Created> {
  const { run, definition, pinned, task, inputs, trigger, base, agent, agentConfig, limits, files, owner } = given;
  const totalSteps = allSteps(definition).length;
  const events = stamp(
    [
      {
        type: "run.created",
        run,
        spec,
        definition: pinned,
        task,
        inputs,
        trigger,
        base,
        agent,
        agentConfig,
        ...(limits && { limits }),
        totalSteps,
      },
    ],
    parts.clock.now(),
    0,
  );
  const claimed = owner ? stamp([{ type: "lease.claimed", lease: { epoch: 1, owner } }], parts.clock.now(), 0) : [];
  const all = [...events, ...claimed];
  const state = replay(all);
  if (!state) throw new Error("run.created gives a state");
  try {
    const version = await parts.store.commit(
      { run, events: all, state, files, refs: [{ name: workRef(run), before: null, after: base }] },
      null,
    );
    return { kind: "created", state, version };
  } catch (error) {
    if (error instanceof StoreConflict) return { kind: "exists" };
    throw error;
  }
}
