import type { Instant, StepKey } from "../core/brand.ts";
import { decide } from "../core/decide.ts";
import type { Decision } from "../core/decision.ts";
import type { EventBody } from "../core/event.ts";
import { isResting, type RunState } from "../core/state.ts";
import { Fenced } from "./fenced.ts";
import { perform } from "./perform.ts";
import { failed } from "./steps/outcome.ts";
import type { Outcome, Worker } from "./worker.ts";

/** Why a worker stopped. */
export type Stopped =
  /** The run rests, or waits for a person: nobody needs to work at it. */
  | { readonly kind: "idle"; readonly state: RunState }
  /** The phase is over and the policy says one phase a job. */
  | { readonly kind: "phase-over"; readonly state: RunState }
  /** A signal came; everything is kept. */
  | { readonly kind: "interrupted"; readonly state: RunState }
  /** Another worker holds the run (law J6). Nothing was written. */
  | { readonly kind: "superseded" };

/**
 * The loop: decide, append, perform, append. Safe to kill at any point of it.
 *
 * E1 What an attempt came to is appended in one transaction, together with the start of what follows from it.
 * E2 Nothing is performed before its `step.started` is durable.
 * E3 Before this returns, everything appended is folded, the lease is released, and no process of a step is alive.
 */
export async function advance(worker: Worker, stop: AbortSignal): Promise<Stopped> {
  const { ledger } = worker;
  const flow = startFlow(worker, stop);
  try {
    const why = await flow.run();
    ledger.append([
      {
        type: "lease.released",
        reason: why === "interrupted" ? "interrupted" : isResting(ledger.state().status) ? "done" : "idle",
      },
    ]);
    await ledger.close();
    worker.watch.changed(ledger.state());
    return { kind: why, state: ledger.state() };
  } catch (error) {
    await flow.abandon();
    if (error instanceof Fenced) return { kind: "superseded" };
    throw error;
  }
}

interface Flow {
  run(): Promise<Exclude<Stopped["kind"], "superseded">>;
  abandon(): Promise<void>;
}

/** Milliseconds of uninterrupted bookkeeping after which signals, timers and sockets get a turn. */
const turnMs = 40;

function startFlow(worker: Worker, stop: AbortSignal): Flow {
  const { ledger, kit, ports, policy, watch } = worker;
  const { clock } = ports;
  const running = new Map<StepKey, { readonly abort: AbortController; readonly done: Promise<void> }>();
  let arrived: Outcome[] = [];
  let broken: { readonly error: unknown } | undefined;
  let wake = (): void => undefined;
  let lastTurn = clock.now();
  const firstPhase = currentPhase(worker);

  const launch = (decision: Decision & { kind: "start" }): void => {
    const abort = new AbortController();
    const attempt = { worker, key: decision.key, step: decision.step, attempt: decision.attempt, signal: abort.signal };
    const done = perform(attempt)
      .catch((error: unknown) => portFailure(error, (message) => failed(attempt, { class: "infrastructure", message })))
      .then((outcome) => {
        arrived.push(outcome);
      })
      .catch((error: unknown) => {
        broken = { error };
      })
      .finally(() => {
        running.delete(decision.key);
        wake();
      });
    running.set(decision.key, { abort, done });
  };

  /** Takes in what arrived and decides until something must be performed or awaited (E1). */
  const step = (): readonly Decision[] => {
    const group = arrived;
    arrived = [];
    for (const { bodies, files, refs } of group) if (bodies.length > 0) ledger.stage(bodies, files, refs);
    for (;;) {
      const decisions = decide(kit.plan, ledger.state(), clock.now());
      const records = decisions.flatMap((decision): readonly EventBody[] =>
        decision.kind === "record" ? [decision.event] : [],
      );
      const starts = decisions.filter((decision) => decision.kind === "start");
      const started = starts.map(
        (decision): EventBody => ({ type: "step.started", step: decision.key, attempt: decision.attempt }),
      );
      if (records.length + started.length > 0) ledger.stage([...records, ...started]);
      if (records.length > 0) continue;
      ledger.settle();
      if (group.length > 0 || starts.length > 0) watch.changed(ledger.state());
      return decisions;
    }
  };

  /** Until a step is done, a timer is due, a signal comes, or somebody spoke. */
  const pause = async (until: Instant | undefined): Promise<void> => {
    if (arrived.length > 0 || broken) return;
    // Quick steps end within one turn; for them neither a commit nor a timer is worth its price.
    await new Promise<void>((resolve) => {
      wake = resolve;
      void clock.turn().then(resolve);
    });
    if (arrived.length > 0 || broken) return;
    await ledger.idle();
    watch.folded();
    await new Promise<void>((resolve) => {
      const cancels: (() => void)[] = [];
      const finish = (): void => {
        for (const cancel of cancels) cancel();
        stop.removeEventListener("abort", finish);
        resolve();
      };
      cancels.push(clock.after(policy.lookMs, finish));
      if (until !== undefined) cancels.push(clock.after(Math.max(0, until - clock.now()), finish));
      wake = finish;
      stop.addEventListener("abort", finish, { once: true });
      if (arrived.length > 0 || broken || stop.aborted) finish();
    });
    wake = () => undefined;
    if (arrived.length === 0) await ledger.refresh();
  };

  const abortAll = async (): Promise<void> => {
    for (const { abort } of running.values()) abort.abort();
    await Promise.all([...running.values()].map(({ done }) => done));
  };

  return {
    async run() {
      for (;;) {
        if (broken) throw broken.error;
        if (clock.now() - lastTurn > turnMs) {
          await clock.turn();
          lastTurn = clock.now();
        }
        if (stop.aborted || ledger.state().requested?.now === true) await abortAll();
        if (stop.aborted) {
          for (const { bodies, files, refs } of arrived) if (bodies.length > 0) ledger.append(bodies, files, refs);
          return "interrupted";
        }
        const decisions = step();
        for (const decision of decisions) if (decision.kind === "start") launch(decision);
        const [first] = decisions;
        if (first?.kind === "start") {
          await pause(undefined);
          continue;
        }
        if (!first || first.kind === "rest" || (first.kind === "wait" && first.for === "answers" && running.size === 0))
          return "idle";
        if (policy.onePhase && running.size === 0 && currentPhase(worker) !== firstPhase) return "phase-over";
        await pause(first.kind === "wait" ? first.until : undefined);
      }
    },
    abandon: abortAll,
  };
}

/** A port that failed is the step's infrastructure failing; a lost lease or a bug is not the step's business. */
function portFailure(error: unknown, turnInto: (message: string) => Outcome): Outcome {
  if (error instanceof Fenced || !(error instanceof Error) || error.name === "Error" || error.name === "TypeError")
    throw error;
  return turnInto(`${error.name}: ${error.message}`);
}

const currentPhase = ({ kit, ledger }: Worker): string | undefined => {
  const { steps } = ledger.state();
  return kit.plan.phases.find(
    (phase) => !phase.steps.every((step) => steps[step.id as unknown as StepKey]?.endedAt !== undefined),
  )?.id;
};
