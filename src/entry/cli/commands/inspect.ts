import type { StepKey } from "../../../core/brand.ts";
import { ProblemError, problem } from "../../../core/problem.ts";
import { branchOf, holderOf } from "../../../core/report.ts";
import type { RunState, StepState } from "../../../core/state.ts";
import { suggest } from "../../../core/suggest.ts";
import type { Common, Options } from "../common.ts";
import { exitCode } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { findRun, inPlace } from "../place.ts";
import { showReason } from "./show.ts";

/** Everything that is known of a run. Its journal was checked, event by event, while it was read. */
export const inspect = (common: Common, [name]: readonly string[], options: Options): Promise<number> =>
  inPlace(common, async (place) => {
    const { out } = common;
    const state = await findRun(place, name);
    const version = (await place.store.load(state.run))?.version;
    const files = await place.store.files(state.run);
    const only = typeof options["step"] === "string" ? options["step"] : undefined;
    if (only !== undefined && !state.steps[only as StepKey]) {
      const like = suggest(only, Object.keys(state.steps));
      throw new ProblemError(
        problem("unknown-step", `Run \`${state.run}\` has not come to a step \`${only}\`.`, {
          expected: Object.keys(state.steps).join(", ") || "no steps yet",
          received: only,
          ...(like !== undefined && { fix: `Did you mean \`${like}\`?` }),
        }),
      );
    }
    out.data({ state: only === undefined ? state : state.steps[only as StepKey], journal: version ?? null, files });
    if (only === undefined) showRun(out, state, version, files);
    for (const [key, step] of Object.entries(state.steps))
      if (only === undefined || key === only) showStep(out, key, step, only !== undefined);
    return exitCode.completed;
  });

function showRun(
  out: Output,
  state: RunState,
  version: { readonly seq: number; readonly segment: number; readonly hash: string } | undefined,
  files: readonly string[],
): void {
  const facts: readonly (readonly [string, string])[] = [
    ["run", `${state.run} (${state.status})`],
    [
      "workflow",
      `${state.definition.name} ${state.definition.version}, ${state.definition.source}, sha256 ${state.definition.hash.slice(0, 12)}`,
    ],
    ["task", state.task.title],
    ["started by", `${state.trigger.by} (${state.trigger.kind})`],
    ["agent", state.agent],
    ["held by", holderOf(state)],
    ["base", state.base],
    ["work", `${branchOf(state)} at ${state.head}`],
    [
      "spent",
      `$${state.spending.usd.toFixed(2)}, ${state.spending.inputTokens} + ${state.spending.outputTokens} tokens, ${state.spending.turns} turns`,
    ],
    [
      "journal",
      version
        ? `${version.seq} events in ${version.segment} commits, chained, ends in ${version.hash.slice(0, 12)}`
        : "none",
    ],
    [
      "checkpoints",
      state.checkpoints.map((one) => `${one.number}: ${one.step} at ${one.commit.slice(0, 12)}`).join("; ") || "none",
    ],
    [
      "documents",
      Object.values(state.documents)
        .map((one) => one.path)
        .join(", ") || "none",
    ],
    ["files", `${files.length} on perdure/runs/${state.run}`],
  ];
  for (const [name, value] of facts) out.line(`${out.paint.dim(name.padEnd(12))} ${value}`);
  out.line();
  showReason(out, state);
  for (const question of state.questions)
    if (question.answer) out.line(`${question.id} ${question.title} → ${question.answer.text} (${question.answer.by})`);
  for (const note of state.notes) out.line(`note by ${note.by}: ${note.text}`);
}

function showStep(out: Output, key: string, step: StepState, everything: boolean): void {
  const work = step.work ? `, ${step.work.files} files, ${step.work.after.slice(0, 12)}` : "";
  out.line(
    `${key.padEnd(24)} ${step.status}${step.attempt > 1 ? `, try ${step.attempt}` : ""}${work}${step.summary === "" ? "" : `: ${step.summary}`}`,
  );
  for (const warning of step.warnings) out.line(`  ! ${warning}`);
  if (!everything) return;
  if (step.failure) out.line(`  ${step.failure.class}: ${step.failure.message}\n${step.failure.detail ?? ""}`);
  out.line(JSON.stringify(step.outputs, null, 2));
}
