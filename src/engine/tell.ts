import type { RunId } from "../core/brand.ts";
import type { Command } from "../core/command.ts";
import { evolve } from "../core/evolve.ts";
import { replay } from "../core/fold.ts";
import { handle } from "../core/handle.ts";
import type { Plan } from "../core/plan.ts";
import { ok, problem, type Result, refuse } from "../core/problem.ts";
import type { RunState } from "../core/state.ts";
import type { Clock } from "../ports/clock.ts";
import { type Store, StoreConflict } from "../ports/store.ts";
import { stamp } from "./stamp.ts";

const tries = 8;

/**
 * Tells a run something, whoever holds it: a command is one more event on its branch, and the holder takes it in. On a
 * conflict the command is decided anew against what is there then, never replayed blindly.
 */
export async function tell(
  parts: { readonly store: Store; readonly clock: Clock; readonly planOf: (state: RunState) => Promise<Plan> },
  { run, command, by }: { readonly run: RunId; readonly command: Command; readonly by: string },
): Promise<Result<RunState>> {
  const { store, clock } = parts;
  for (let attempt = 1; ; attempt += 1) {
    const loaded = await store.load(run);
    const state = loaded && replay(loaded.events);
    if (!loaded || !state)
      return refuse(problem("unknown-run", `There is no run \`${run}\`.`, { fix: "perdure runs" }));
    const bodies = handle(await parts.planOf(state), state, command, by);
    if (!bodies.ok) return bodies;
    if (bodies.value.length === 0) return ok(state);
    const events = stamp(bodies.value, clock.now(), state.epoch, String(loaded.version.seq));
    const next = events.reduce(evolve, state);
    try {
      await store.commit({ run, events, state: next, files: {}, refs: [] }, loaded.version);
      return ok(next);
    } catch (error) {
      if (!(error instanceof StoreConflict) || attempt >= tries) throw error;
    }
  }
}
