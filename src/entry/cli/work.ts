import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { agentNamed } from "../../adapters/agent/registry.ts";
import { localDelivery } from "../../adapters/delivery/local.ts";
import { processOwners } from "../../adapters/owners/process.ts";
import { processGroups } from "../../adapters/process/group.ts";
import { fileScratch } from "../../adapters/scratch/files.ts";
import { vault } from "../../adapters/vault/vault.ts";
import { gitWorkspace } from "../../adapters/workspace/git.ts";
import type { RunId } from "../../core/brand.ts";
import { describeOwner, type Liveness, type Owner } from "../../core/lease.ts";
import { type Problem, problem, type Result } from "../../core/problem.ts";
import { type Report, reportOf } from "../../core/report.ts";
import type { RunState } from "../../core/state.ts";
import { advance, type Stopped } from "../../engine/advance.ts";
import { type Claim, type ClaimOptions, claim } from "../../engine/claim.ts";
import { openLedger } from "../../engine/ledger.ts";
import type { Ports } from "../../engine/worker.ts";
import { reportLines } from "../../formats/report-text.ts";
import type { Agent } from "../../ports/agent.ts";
import type { Processes } from "../../ports/processes.ts";
import type { Workspace } from "../../ports/workspace.ts";
import { showReason } from "./commands/show.ts";
import { exitCode, exitCodeOf } from "./exit-codes.ts";
import { live } from "./live.ts";
import { mirror } from "./mirror.ts";
import type { Output } from "./output.ts";
import { type Place, pinnedKit } from "./place.ts";
import { stopSignal } from "./signals.ts";

export interface WorkOptions {
  /** Between two checkpoints of a long step. */
  readonly checkpointSeconds: number;
}

export const workspaceIn = (place: Place): Workspace =>
  gitWorkspace({ git: place.repository.git, directory: place.directory, home: join(place.home, "trees") });

/** A run in this process's hands. */
export type Taken = Extract<Claim, { readonly kind: "claimed" }>;

/** Takes a run that is there, or says who holds it; what was just loaded saves loading it again. */
export async function take(place: Place, out: Output, run: RunId, options: ClaimOptions): Promise<Taken | undefined> {
  const claimed = await claim({ ...place, owners: processOwners() }, run, options);
  if (claimed.kind === "missing") throw new Error(`Run ${run} vanished.`);
  if (claimed.kind === "held") {
    out.problems([heldBy(run, claimed.owner, claimed.liveness)]);
    return undefined;
  }
  if (claimed.lost)
    out.note(`Taking over from ${describeOwner(claimed.lost)}, which is gone. Nothing completed is done again.`);
  return claimed;
}

/** Works at a run until it rests, waits for a person or is stopped; tells how it went. */
export async function work(place: Place, out: Output, claimed: Taken, options: WorkOptions): Promise<number> {
  const { run } = claimed.state;
  const { kit } = await pinnedKit(place, claimed.state);
  const { signal, broke } = stopSignal(out);
  const shown = await live({
    out,
    plan: kit.plan,
    clock: place.clock,
    log: join(place.home, "logs", `${run}.log`),
    since: claimed.state.steps,
    onFolded: () => mirror(place, run),
  });
  const ledger = openLedger(
    {
      store: place.store,
      clock: place.clock,
      writeAhead: place.openWriteAhead(run, claimed.state.epoch),
      onFoldFailure: broke,
    },
    claimed,
  );
  const worker = {
    ports: portsOf(place, run),
    kit,
    ledger,
    policy: {
      checkpointMs: options.checkpointSeconds * 1_000,
      graceMs: 5_000,
      lookMs: Math.max(500, place.store.groupMs),
      onePhase: false,
    },
    watch: shown,
    treeLock: oneAtATime(),
    sessions: new Map(),
  };
  const stopped = await advance(worker, signal).finally(() => shown.done());
  await mirror(place, run, { everything: true });
  return conclude(out, stopped, {
    report: reportOf(kit.plan, ledger.state(), place.clock.now()),
    state: ledger.state(),
  });
}

function conclude(
  out: Output,
  stopped: Stopped,
  { report, state }: { readonly report: Report; readonly state: RunState },
): number {
  if (stopped.kind === "superseded") {
    out.problems([
      problem(
        "superseded",
        `Another worker has taken over run \`${state.run}\`; this one stopped and wrote nothing more.`,
        { fix: `perdure watch ${state.run}` },
      ),
    ]);
    return exitCode.refused;
  }
  out.line();
  showReason(out, state);
  // A terminal has the picture already, drawn over itself to the last.
  if (!out.terminal) for (const line of reportLines(report, out.paint)) out.line(line);
  out.data({
    ...report,
    status: state.status,
    reason: state.reason ?? null,
    questions: state.questions,
    spending: state.spending,
  });
  return stopped.kind === "interrupted" ? exitCode.interrupted : exitCodeOf(state);
}

function heldBy(run: RunId, owner: Owner, liveness: Liveness): Problem {
  const unknown = liveness === "unknown";
  return problem(
    "held",
    `Run \`${run}\` is held by ${describeOwner(owner)}${unknown ? ", where nobody here can look whether it lives" : ", which is alive"}.`,
    {
      fix: unknown
        ? `If it is gone: perdure resume ${run} --take-over`
        : `perdure watch ${run}, or perdure pause ${run}`,
    },
  );
}

/** An agent by name, or the problem that there is none, with those there are. */
export const agentCalled = (name: string, processes: Processes = processGroups()): Result<Agent> =>
  agentNamed(name, { processes, host: process.env, newId: randomUUID });

function portsOf(place: Place, run: RunId): Ports {
  const processes = processGroups(process.env["PERDURE_ATTEMPT"]);
  const folders = (): Readonly<Record<string, string>> =>
    withRealPaths({
      [join(place.home, "trees", run)]: ".",
      [join(place.home, "trees")]: "…",
      [place.directory]: ".",
      [homedir()]: "~",
    });
  const agents = new Map<string, Result<Agent>>();
  return {
    clock: place.clock,
    workspace: workspaceIn(place),
    scratch: fileScratch(),
    processes,
    vault: vault({ environment: process.env, folders }),
    delivery: localDelivery(place.repository.common),
    environment: process.env,
    agent(name) {
      const known = agents.get(name) ?? agentCalled(name, processes);
      agents.set(name, known);
      return known;
    },
  };
}

/** The same for what links lead to: programs name a folder by either. */
function withRealPaths(folders: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const real = Object.entries(folders).flatMap(([path, word]) =>
    existsSync(path) ? [[realpathSync(path), word]] : [],
  );
  return { ...Object.fromEntries(real), ...folders };
}

function oneAtATime(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const next = last.then(task, task);
    last = next.catch(() => undefined);
    return next;
  };
}

/** Whether a program is on PATH; for choosing an agent and for the doctor. */
export function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore", timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}
