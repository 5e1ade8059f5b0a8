import { type Instant, type StepKey, stepKeyOf } from "./brand.ts";
import type { Step } from "./definition.ts";
import { describeOwner } from "./lease.ts";
import type { Plan } from "./plan.ts";
import { isBlocking, isOpen } from "./question.ts";
import type { RunState, StepState, StepStatus } from "./state.ts";

/** A run as people are shown it, whatever the surface: the same rows in a terminal, a comment and a check. */
export interface Report {
  readonly run: string;
  readonly workflow: string;
  /** The status in words that say what is happening: `verifying, attempt 2 of 5`. */
  readonly headline: string;
  readonly title: string;
  readonly rows: readonly Row[];
  /** Milliseconds from the start to the end, or to now. */
  readonly elapsedMs: number;
  readonly usd: number;
  readonly budget?: number;
  /** 0 to 100, by steps of the definition that are settled. */
  readonly percent: number;
  /** What to do next, most likely first; empty when there is nothing. */
  readonly next: readonly string[];
  readonly warnings: readonly string[];
}

export interface Row {
  readonly key: StepKey;
  readonly name: string;
  /** 0 for a step of a phase, 1 for one inside a repeat. */
  readonly depth: 0 | 1;
  readonly status: StepStatus;
  readonly result: string;
  readonly ms?: number;
  readonly usd: number;
  readonly notes: readonly string[];
}

export function reportOf(plan: Plan, state: RunState, now: Instant): Report {
  const rows = plan.phases.flatMap((phase) => phase.steps.flatMap((step) => rowsOf(step, state, now)));
  const tops = plan.phases.flatMap((phase) => phase.steps);
  const settled = tops.filter((step) => isOver(state.steps[stepKeyOf(step.id)]?.status)).length;
  const budget = state.usd ?? plan.definition.limits.usd;
  return {
    run: state.run,
    workflow: state.definition.name,
    headline: headlineOf(plan, state, rows),
    title: state.task.title,
    rows,
    elapsedMs: (state.endedAt ?? now) - state.createdAt,
    usd: state.spending.usd,
    ...(budget !== undefined && { budget }),
    percent: Math.floor((100 * settled) / Math.max(1, tops.length)),
    next: nextOf(state),
    warnings: rows.flatMap((row) => (state.steps[row.key]?.warnings ?? []).map((warning) => `${row.key}: ${warning}`)),
  };
}

function rowsOf(step: Step, state: RunState, now: Instant): readonly Row[] {
  const key = stepKeyOf(step.id);
  const top = rowOf(key, step.name, 0, state.steps[key], now);
  if (step.action.type !== "repeat") return [top];
  const { steps, escalate } = step.action;
  const visits = state.repeats[step.id]?.visit ?? 0;
  const inner = Array.from({ length: visits }, (_, index) => index + 1).flatMap((visit) =>
    [...(escalate?.steps ?? []), ...steps].flatMap((one) => {
      const innerKey = stepKeyOf(one.id, visit);
      const known = state.steps[innerKey];
      return known && known.status !== "skipped" ? [rowOf(innerKey, one.name, 1, known, now)] : [];
    }),
  );
  const last = inner.at(-1);
  const whole = {
    ...top,
    result: last && top.status !== "pending" ? last.result : top.result,
    usd: sum(inner.map((row) => row.usd)),
  };
  // A repeat that went through once is its one step: two rows that say the same are one too many.
  const [only] = inner;
  return inner.length === 1 && only
    ? [{ ...whole, key: only.key, status: only.status === "running" ? "running" : top.status, notes: only.notes }]
    : [whole, ...inner];
}

function rowOf(key: StepKey, name: string, depth: 0 | 1, known: StepState | undefined, now: Instant): Row {
  const status = known?.status ?? "pending";
  const notes = [...(known && known.attempt > 1 ? [`try ${known.attempt}`] : [])];
  const ms = known?.startedAt === undefined ? undefined : (known.endedAt ?? now) - known.startedAt;
  const result = known?.skipped ? known.skipped.reason : (known?.summary ?? "");
  return {
    key,
    name,
    depth,
    status,
    result,
    usd: known?.spending.usd ?? 0,
    notes,
    ...(ms !== undefined && status !== "skipped" && { ms }),
  };
}

/** Different ends have different words everywhere (design: the one comment). */
function headlineOf(plan: Plan, state: RunState, rows: readonly Row[]): string {
  const working = rows.findLast((row) => row.status === "running" && (row.depth === 1 || !hasInner(rows, row)));
  switch (state.status) {
    case "queued":
      return Object.keys(state.steps).length === 0 ? "queued" : "interrupted, nothing is lost";
    case "waiting":
      return `waiting for ${state.questions.filter(isBlocking).length === 1 ? "an answer" : "answers"}`;
    case "running":
      return working ? `running ${working.name}${visitText(plan, state, working)}` : "running";
    case "paused":
      return state.reason?.kind === "budget" ? "paused, the budget is spent" : "paused";
    case "completed":
      return "completed";
    case "failed":
      return `failed at ${state.reason?.step ?? "a step"}`;
    case "escalated":
      return "escalated, a person must look";
    case "cancelled":
      return "cancelled";
  }
}

const hasInner = (rows: readonly Row[], row: Row): boolean => rows[rows.indexOf(row) + 1]?.depth === 1;

function visitText(plan: Plan, state: RunState, row: Row): string {
  const node = plan.nodes.get(row.key.split("@")[0] as never);
  const repeat = node?.inside && plan.nodes.get(node.inside.repeat)?.step;
  if (repeat?.action.type !== "repeat") return "";
  const progress = state.repeats[repeat.id];
  return progress && progress.visit > 1
    ? `, attempt ${progress.visit} of ${repeat.action.max * (1 + progress.grants)}`
    : "";
}

/** The commands that make sense now, ready to be copied. */
function nextOf(state: RunState): readonly string[] {
  const open = state.questions.filter(isOpen);
  switch (state.status) {
    case "waiting":
      return [`perdure answer ${state.run} ${open.map((question) => `${question.id}=…`).join(" ")}`];
    case "running":
      return [`perdure watch ${state.run}`, `perdure pause ${state.run}`];
    case "queued":
      return [`perdure resume ${state.run}`];
    case "paused":
      return state.reason?.kind === "budget"
        ? [`perdure resume ${state.run} --budget ${(state.spending.usd * 2).toFixed(2)}`]
        : [`perdure resume ${state.run}`];
    case "failed":
    case "escalated":
      return [
        `perdure inspect ${state.run}`,
        `perdure note ${state.run} "what the agent should know"`,
        `perdure resume ${state.run}`,
      ];
    case "cancelled":
      return [`perdure resume ${state.run}`];
    case "completed":
      return [`git merge ${branchOf(state)}`];
  }
}

/** The branch that holds the delivered work. */
export const branchOf = (state: RunState): string => {
  const delivered = Object.values(state.effects).findLast((effect) => effect.status === "done");
  const branch = delivered?.status === "done" ? delivered.result["branch"] : undefined;
  return typeof branch === "string" ? branch : `perdure/work/${state.run}`;
};

export const holderOf = (state: RunState): string => (state.lease ? describeOwner(state.lease.owner) : "nobody");

const isOver = (status: StepStatus | undefined): boolean =>
  status === "completed" || status === "cached" || status === "skipped";
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
