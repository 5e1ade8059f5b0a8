import type { Value, ValueMap } from "../../core/brand.ts";
import type { Document, DocumentName } from "../../core/document.ts";
import { scopeOf } from "../../core/scope.ts";
import type { Skill } from "../../core/skill.ts";
import type { RunState } from "../../core/state.ts";
import type { Tree } from "../../ports/workspace.ts";
import type { Attempt } from "../worker.ts";
import { type Expected, inFolder, keptDocument, layHistory, layInputs, outFolder, type Present } from "./exchange.ts";
import { taskInput, userResponses } from "./task-input.ts";

/** Lays everything into the tree that the skill's agent is to read: documents, answers, and the history where it matters. */
export async function layBriefing(
  attempt: Attempt,
  tree: Tree,
  skill: Skill,
  visit: number,
): Promise<readonly Present[]> {
  const { worker } = attempt;
  const state = worker.ledger.state();
  const present = await layInputs(worker, tree, freshDocuments(attempt, skill, visit));
  return skill.name === "devils-advocate"
    ? [...present, ...(await layHistory(worker, tree, verificationPaths(state)))]
    : present;
}

/** What the engine itself writes for a skill: the task, and what people have said so far. */
export function freshDocuments(
  { worker }: Attempt,
  skill: Skill,
  visit: number,
): Partial<Record<DocumentName, Document>> {
  const state = worker.ledger.state();
  const iso = (at: number): string => new Date(at).toISOString();
  const responses = userResponses(state, iso);
  return {
    "task-input": taskInput(state, skill.name, visit, iso(worker.ports.clock.now())),
    ...(responses && { "user-responses": responses }),
  };
}

const verificationPaths = (state: RunState): readonly string[] => {
  const latest = state.documents["verification-results"]?.path;
  const count = Number(latest?.match(/attempt-(\d+)\//)?.[1] ?? 0);
  return Array.from({ length: count }, (_, index) => `verify/attempt-${index + 1}/verification-results.md`);
};

export interface Briefing {
  readonly visit: number;
  readonly present: readonly Present[];
  readonly expected: readonly Expected[];
  /** What was wrong with the documents of the turn before, as sentences. */
  readonly errors: readonly string[];
}

/** What a skill's prompt can say: the step's scope, the documents by path, the last failures, the advice, the errors. */
export async function promptScope(
  { worker, key }: Attempt,
  { visit, present, expected, errors }: Briefing,
): Promise<ValueMap> {
  const state = worker.ledger.state();
  const [triage, results, advice] = await Promise.all([
    keptDocument(worker, "triage-plan"),
    keptDocument(worker, "verification-results"),
    keptDocument(worker, "recommended-fix"),
  ]);
  const checks = (results?.fields["checks"] ?? []) as readonly ValueMap[];
  const before = Object.values(state.steps).flatMap((step) =>
    Array.isArray(step.outputs["fingerprints"]) ? [step.outputs["fingerprints"] as readonly Value[]] : [],
  );
  const seenTwice = (fingerprint: Value | undefined): boolean =>
    before.filter((list) => fingerprint !== undefined && list.includes(fingerprint)).length > 1;
  return {
    ...scopeOf(worker.kit.plan, state, key),
    visit,
    in: inFolder,
    out: outFolder,
    documents: present as unknown as Value,
    expected: expected as unknown as Value,
    errors,
    triage: triage?.fields ?? null,
    failures: checks
      .filter((check) => check["status"] === "failed" || check["status"] === "error")
      .map((check) => ({
        id: check["id"] ?? "",
        name: check["name"] ?? "",
        error: check["error"] ?? "",
        hypothesis: check["hypothesis"] ?? "",
        recommended_fix: check["recommended_fix"] ?? "",
        fingerprint: check["fingerprint"] ?? "",
        repeated: seenTwice(check["fingerprint"]),
      })),
    advice: advice?.fields ?? null,
  };
}
