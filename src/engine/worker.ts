import type { StepKey } from "../core/brand.ts";
import type { Step } from "../core/definition.ts";
import type { EventBody } from "../core/event.ts";
import type { Kit } from "../core/kit.ts";
import type { Result } from "../core/problem.ts";
import type { Spending } from "../core/spending.ts";
import type { RunState } from "../core/state.ts";
import type { Agent, AgentSession } from "../ports/agent.ts";
import type { Clock } from "../ports/clock.ts";
import type { Delivery } from "../ports/delivery.ts";
import type { Processes } from "../ports/processes.ts";
import type { Scratch } from "../ports/scratch.ts";
import type { Files, RefChange } from "../ports/store.ts";
import type { Vault } from "../ports/vault.ts";
import type { Workspace } from "../ports/workspace.ts";
import type { Ledger } from "./ledger.ts";

/** The outside, as a worker needs it. */
export interface Ports {
  readonly clock: Clock;
  readonly workspace: Workspace;
  readonly scratch: Scratch;
  readonly processes: Processes;
  readonly vault: Vault;
  readonly delivery: Delivery;
  readonly agent: (name: string) => Result<Agent>;
  /** Variables of the caller's environment that a definition may let through; nothing else of it is visible. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Worker {
  readonly ports: Ports;
  readonly kit: Kit;
  readonly ledger: Ledger;
  readonly policy: Policy;
  readonly watch: Watch;
  /** One step at a time has the run's work tree. */
  readonly treeLock: <T>(work: () => Promise<T>) => Promise<T>;
  /** How to get at the session of an agent that is working right now. */
  readonly sessions: Map<StepKey, () => Promise<AgentSession | undefined>>;
}

export interface Policy {
  /** Milliseconds between checkpoints of a long step. */
  readonly checkpointMs: number;
  /** Milliseconds a stopped process has before it is killed. */
  readonly graceMs: number;
  /** How often an idle worker looks whether somebody spoke, milliseconds. */
  readonly lookMs: number;
  /** Stop when the phase that was current at the start is settled: one phase, one job. */
  readonly onePhase: boolean;
}

/** Whoever shows the run while it runs. Never a reason for anything. */
export interface Watch {
  changed(state: RunState): void;
  live(key: StepKey, live: Live): void;
  folded(): void;
}

/** What a running step is doing right now; kept nowhere. */
export interface Live {
  readonly doing: string;
  readonly spending?: Spending;
  readonly percent?: number;
  readonly log?: string;
}

/** One attempt at one step. */
export interface Attempt {
  readonly worker: Worker;
  readonly key: StepKey;
  readonly step: Step;
  readonly attempt: number;
  /** Aborted to stop the attempt: a signal, a pause or cancel now, or a lost lease. */
  readonly signal: AbortSignal;
}

/** What an attempt came to: the events to append, in one transaction with their files and refs. */
export interface Outcome {
  readonly bodies: readonly EventBody[];
  readonly files?: Files;
  readonly refs?: readonly RefChange[];
}
