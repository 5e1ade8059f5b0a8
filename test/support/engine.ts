import { systemClock } from "../../src/adapters/clock/system.ts";
import { type MemoryStore, memoryStore } from "../../src/adapters/store/memory.ts";
import type { EventBody } from "../../src/core/event.ts";
import type { Plan } from "../../src/core/plan.ts";
import type { RunState } from "../../src/core/state.ts";
import { type Claim, claim } from "../../src/engine/claim.ts";
import { createRun } from "../../src/engine/create.ts";
import { openLedger } from "../../src/engine/ledger.ts";
import type { Ports, Worker } from "../../src/engine/worker.ts";
import type { Owners } from "../../src/ports/owners.ts";
import type { Store, WriteAhead } from "../../src/ports/store.ts";
import { aRun, created, oid } from "./builders.ts";

/** Owners whose liveness the test decides: pids in `dead` are gone. */
export function testOwners(pid: number, dead: ReadonlySet<number>): Owners {
  return {
    self: { kind: "process", host: "here", pid, started: String(pid) },
    liveness: async (owner) => (owner.kind === "process" && dead.has(owner.pid) ? "dead" : "alive"),
  };
}

/** A port that a test must not reach. */
const unused = new Proxy(
  {},
  { get: (_, name) => () => Promise.reject(new Error(`${String(name)} is not part of this test`)) },
);

/** What stands between a worker and its store, to make things go wrong. */
export interface Through {
  readonly store: Store;
  readonly guard: (writeAhead: WriteAhead) => WriteAhead;
}

export interface Bench {
  readonly store: MemoryStore;
  readonly plan: Plan;
  /** A worker of the given pid that holds the run; `dead` are the pids whose leases are up for grabs. */
  worker(pid: number, dead?: readonly number[], through?: Through): Promise<Worker>;
  claim(pid: number, dead?: readonly number[]): Promise<Claim>;
  state(): Promise<RunState>;
}

/** A run of the plan on a memory store, with everything real but the outside. */
export async function aBench(plan: Plan): Promise<Bench> {
  const store = memoryStore();
  const clock = systemClock();
  await createRun(
    { store, clock },
    {
      run: aRun,
      definition: plan.definition,
      pinned: created.definition,
      task: created.task,
      inputs: {},
      trigger: created.trigger,
      base: oid("a"),
      agent: "scripted",
      agentConfig: {},
      files: {},
    },
  );
  const take = (pid: number, dead: readonly number[] = []) =>
    claim({ store, openWriteAhead: store.openWriteAhead, owners: testOwners(pid, new Set(dead)), clock }, aRun, {
      takeOver: false,
    });
  return {
    store,
    plan,
    claim: take,
    async worker(pid, dead = [], through = { store, guard: (writeAhead) => writeAhead }) {
      const claimed = await take(pid, dead);
      if (claimed.kind !== "claimed") throw new Error(`The run is ${claimed.kind}.`);
      const ledger = openLedger(
        {
          store: through.store,
          clock,
          writeAhead: through.guard(store.openWriteAhead(aRun, claimed.state.epoch)),
          onFoldFailure: () => undefined,
        },
        claimed,
      );
      const ports = { ...(unused as Ports), clock };
      return {
        ports,
        kit: { plan, skills: new Map(), contracts: {} as never, guide: () => ({ schema: "", example: "" }) },
        ledger,
        policy: { checkpointMs: 60_000, graceMs: 100, lookMs: 10, onePhase: false },
        watch: { changed: () => undefined, live: () => undefined, folded: () => undefined },
        treeLock: (work) => work(),
        sessions: new Map(),
      };
    },
    async state() {
      const loaded = await store.load(aRun);
      const { replay } = await import("../../src/core/fold.ts");
      const state = loaded && replay(loaded.events);
      if (!state) throw new Error("no run");
      return state;
    },
  };
}

export const typesOf = (bodies: readonly EventBody[]): readonly string[] =>
  bodies.map((body) => ("step" in body ? `${body.type} ${body.step}` : body.type));
