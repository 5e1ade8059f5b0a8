import { processOwners } from "../../../adapters/owners/process.ts";
import { describeOwner } from "../../../core/lease.ts";
import { isOpen } from "../../../core/question.ts";
import { reportOf } from "../../../core/report.ts";
import type { RunState } from "../../../core/state.ts";
import { reportLines } from "../../../formats/report-text.ts";
import type { Common } from "../common.ts";
import { exitCode } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { findRun, inPlace, pinnedPlan, summaries } from "../place.ts";

/** Where a run is: the failure or the question first, then every step, then what to type. */
export const status = (common: Common, [run]: readonly string[]): Promise<number> =>
  inPlace(common, async (place) => {
    const { out } = common;
    const state = await findRun(place, run);
    const report = reportOf(await pinnedPlan(place, state), state, place.clock.now());
    out.data({
      ...report,
      status: state.status,
      reason: state.reason ?? null,
      questions: state.questions,
      spending: state.spending,
    });
    if (state.lease && (await processOwners().liveness(state.lease.owner)) === "dead") {
      out.line(
        `${out.paint.bad("interrupted")}: ${describeOwner(state.lease.owner)} is gone. Nothing that was completed is lost: perdure resume ${state.run}`,
      );
      out.line();
    }
    showReason(out, state);
    for (const line of reportLines(report, out.paint)) out.line(line);
    return exitCode.completed;
  });

/** Why a run rests, and what it asks. */
export function showReason(out: Output, state: RunState): void {
  if (state.reason)
    out.line(
      `${out.paint.bad(state.reason.kind)}: ${state.reason.step === undefined ? "" : `${state.reason.step}: `}${state.reason.detail}`,
    );
  const failure = state.reason?.step && state.steps[state.reason.step]?.failure;
  if (failure?.detail !== undefined)
    out.line(
      failure.detail
        .split("\n")
        .slice(-12)
        .map((line) => `  ${line}`)
        .join("\n"),
    );
  for (const question of state.questions.filter(isOpen)) {
    out.line(`${out.paint.busy(question.id)} ${question.title} (${question.priority})`);
    if (question.context !== undefined) out.line(`   ${question.context}`);
    for (const option of question.options ?? [])
      out.line(`   - ${option.value}${option.description === undefined ? "" : `: ${option.description}`}`);
    if (question.default !== undefined) out.line(`   default: ${question.default}`);
    if (question.impact !== undefined) out.line(`   without an answer: ${question.impact}`);
  }
  if (state.reason || state.questions.some(isOpen)) out.line();
}

export const runs = (common: Common): Promise<number> =>
  inPlace(common, async (place) => {
    const { out } = common;
    const all = await summaries(place);
    out.data(
      all.map(({ run, workflow, status: word, startedAt, updatedAt, title }) => ({
        run,
        workflow,
        status: word,
        started_at: startedAt,
        updated_at: updatedAt,
        title,
      })),
    );
    if (all.length === 0) out.note('No runs yet. Start one: perdure run --task "what is to be done"');
    const width = Math.max(0, ...all.map(({ run }) => run.length));
    for (const one of all)
      out.line(
        `${one.run.padEnd(width)}  ${one.status.padEnd(10)} ${one.updatedAt.slice(0, 19)}  ${one.workflow}  ${out.paint.dim(one.title)}`.trimEnd(),
      );
    return exitCode.completed;
  });
