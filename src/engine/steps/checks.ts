import type { Value, ValueMap } from "../../core/brand.ts";
import {
  type Check,
  type CheckResult,
  checksOf,
  fingerprintOf,
  resultFields,
  type Verdict,
  verdictOf,
} from "../../core/checks.ts";
import type { Action } from "../../core/definition.ts";
import type { Document } from "../../core/document.ts";
import { visitOfKey } from "../../core/event.ts";
import type { Tree } from "../../ports/workspace.ts";
import type { Attempt, Outcome } from "../worker.ts";
import { keep, keptDocument } from "./exchange.ts";
import { interpret } from "./interpret.ts";
import { failed, interrupted } from "./outcome.ts";
import { runCommand } from "./shell.ts";

/**
 * Runs the commands of a strategy itself, one after the other; what they exit with is the verdict, and no agent can
 * talk it away. An agent only reads the failures (`interpret`), and its silence costs nothing but its reading.
 */
export async function performChecks(
  attempt: Attempt,
  action: Action & { type: "checks" },
  tree: Tree,
): Promise<Outcome> {
  const { worker, key, signal } = attempt;
  const state = worker.ledger.state();
  const strategy = await keptDocument(worker, action.from);
  if (!strategy)
    return failed(attempt, { class: "contract", message: `There is no \`${action.from}\` to take the checks from.` });
  const startedAt = worker.ports.clock.now();
  const results: CheckResult[] = [];
  for (const check of checksOf(strategy.fields)) {
    if (signal.aborted) return interrupted(attempt, "stopped between two checks");
    results.push(await runCheck(attempt, tree, check));
  }
  if (signal.aborted) return interrupted(attempt, "stopped in a check");
  // Tests leave files behind; verifying must not change the work.
  if ((await tree.changed(state.head)).length > 0) await tree.reset(state.head);
  const verdict = verdictOf(results);
  const visit = visitOfKey(key);
  const raw = resultsDocument(attempt, strategy, { results, verdict, visit, startedAt });
  const read = await interpret(attempt, action, tree, raw);
  // Half a reading would be kept for good; the checks are run again instead, and read in peace.
  if (signal.aborted) return interrupted(attempt, "stopped while the failures were read");
  const text = worker.kit.contracts["verification-results"].write(read.document);
  const { files, kept } = keep(worker, visit, new Map([["verification-results", { text }]] as const));
  const outputs = outputsOf(results, verdict, visit);
  const again = repeatedFailure(attempt, outputs);
  return {
    bodies: [
      {
        type: "step.completed",
        step: key,
        attempt: attempt.attempt,
        outputs,
        summary:
          `attempt ${visit}: ${count(results, "passed")} of ${results.length}${verdict === "passed" ? "" : ` ${firstError(results)}`}`.trim(),
        documents: kept,
        ...(read.spending && { spending: read.spending }),
        ...(read.warnings.length + again.length > 0 && { warnings: [...read.warnings, ...again] }),
      },
    ],
    files: { ...files, [`results/${key}.json`]: `${JSON.stringify(outputs, null, 2)}\n` },
  };
}

async function runCheck(attempt: Attempt, tree: Tree, check: Check): Promise<CheckResult> {
  const { worker, key, signal } = attempt;
  if (check.command === undefined || check.kind === "manual") return { check, status: "skipped", ms: 0 };
  const ended = await runCommand(
    worker,
    key,
    { command: check.command, directory: tree.directory, timeoutMs: check.timeoutMs },
    signal,
  );
  const error = lastLines(ended.output);
  if (ended.kind === "ended") {
    const message = `${ended.message}${error === "" ? "" : `\n${error}`}`;
    const status = ended.class === "timeout" ? "failed" : "error";
    return { check, status, ms: ended.ms, error: message, fingerprint: fingerprintOf(check.id, message) };
  }
  if (ended.code === 0) return { check, status: "passed", ms: ended.ms, exitCode: 0 };
  // 126 and 127 are the shell's own: the command is not there, which says nothing of the work.
  const status = ended.code === 126 || ended.code === 127 ? "error" : "failed";
  return {
    check,
    status,
    ms: ended.ms,
    exitCode: ended.code,
    error,
    fingerprint: fingerprintOf(check.id, ended.output),
  };
}

const lastLines = (output: string): string => output.split("\n").slice(-40).join("\n").slice(-4_000).trim();

interface Verified {
  readonly results: readonly CheckResult[];
  readonly verdict: Verdict;
  readonly visit: number;
  readonly startedAt: number;
}

function resultsDocument(
  { worker }: Attempt,
  strategy: Document,
  { results, verdict, visit, startedAt }: Verified,
): Document {
  const state = worker.ledger.state();
  const endedAt = worker.ports.clock.now();
  const proceed = verdict === "passed" || verdict === "partial";
  const fields: ValueMap = {
    task_id: state.task.id,
    strategy_id: String(strategy.fields["strategy_id"] ?? "verify-001"),
    verification_id: `run-${String(visit).padStart(3, "0")}`,
    attempt_number: visit,
    status: verdict,
    started_at: new Date(startedAt).toISOString(),
    completed_at: new Date(endedAt).toISOString(),
    duration_seconds: Math.round((endedAt - startedAt) / 100) / 10,
    total_checks: results.length,
    passed_checks: count(results, "passed"),
    failed_checks: count(results, "failed"),
    skipped_checks: count(results, "skipped"),
    error_checks: count(results, "error"),
    can_proceed: proceed,
    requires_devils_advocate: !proceed && visit >= 3,
    checks: resultFields(results),
  };
  return { fields, body: resultsBody(results) };
}

function resultsBody(results: readonly CheckResult[]): string {
  const list = (status: CheckResult["status"]): readonly string[] => {
    const lines = results
      .filter((result) => result.status === status)
      .map((result) => `- ${result.check.name} (\`${result.check.command ?? "by hand"}\`)`);
    return lines.length > 0 ? lines : ["None."];
  };
  const failures = results
    .filter((result) => result.error !== undefined)
    .flatMap((result) => [
      `### ${result.check.name}`,
      "",
      `Severity: ${result.check.severity}`,
      "",
      "```text",
      (result.error ?? "").replaceAll("```", "'''"),
      "```",
      "",
    ]);
  return [
    "# Verification Results",
    "## Summary",
    `${count(results, "passed")} of ${results.length} checks passed.`,
    "## Passed",
    list("passed").join("\n"),
    "## Failed",
    failures.length > 0 ? failures.join("\n").trimEnd() : "None.",
    "## Skipped",
    list("skipped").join("\n"),
    "",
  ].join("\n\n");
}

const outputsOf = (results: readonly CheckResult[], verdict: Verdict, visit: number): ValueMap => ({
  status: verdict,
  can_proceed: verdict === "passed" || verdict === "partial",
  attempt_number: visit,
  passed: count(results, "passed"),
  total: results.length,
  failures: results
    .filter((result) => result.status === "failed" || result.status === "error")
    .map((result) => result.check.id),
  fingerprints: results.flatMap((result): readonly Value[] =>
    result.fingerprint === undefined ? [] : [result.fingerprint],
  ),
});

/** The same failure as in the attempt before is said early, not only when the attempts have run out. */
function repeatedFailure({ worker, key }: Attempt, outputs: ValueMap): readonly string[] {
  const visit = visitOfKey(key);
  const before =
    worker.ledger.state().steps[key.replace(/@\d+$/, `@${visit - 1}`) as typeof key]?.outputs["fingerprints"];
  const now = outputs["fingerprints"];
  if (!Array.isArray(before) || !Array.isArray(now)) return [];
  const same = (now as readonly Value[]).filter((fingerprint) => (before as readonly Value[]).includes(fingerprint));
  return same.length > 0 ? [`The same failure as in attempt ${visit - 1}: the last fix did not touch its cause.`] : [];
}

const count = (results: readonly CheckResult[], status: CheckResult["status"]): number =>
  results.filter((result) => result.status === status).length;
/** The line of the first failure that says most: a comparison, an error, an expectation. */
const firstError = (results: readonly CheckResult[]): string => {
  const first = results.find((result) => result.error !== undefined);
  const lines = first?.error?.split("\n").map((line) => line.trim()) ?? [];
  const telling = [/ !==? | === /, /error\b.*:\s*\S/i, /\bexpected\b/i, /fail/i].map((pattern) =>
    lines.find((line) => pattern.test(line)),
  );
  const line = telling.find((found) => found !== undefined) ?? "";
  return first ? `(${first.check.name}${line === "" ? "" : `: ${line.slice(0, 80)}`})` : "";
};
