import type { ValueMap } from "./brand.ts";
import { type Document, sectionOf } from "./document.ts";
import type { RunState } from "./state.ts";

/** What a pull request is made of. Documents that are missing leave their section out. */
export interface PullRequestParts {
  readonly state: RunState;
  readonly title: string;
  readonly work?: Document | undefined;
  readonly results?: Document | undefined;
  readonly strategy?: Document | undefined;
}

/** Title and body: what and why, the evidence, what was assumed and answered, how to undo it, where the journal is. */
export function pullRequestText(parts: PullRequestParts): { readonly title: string; readonly body: string } {
  const { state } = parts;
  const issue = /^issue-(\d+)$/.exec(state.task.id)?.[1];
  const sections = [
    issue === undefined ? "" : `Closes #${issue}`,
    section("What was asked", quoted(state.task.description === "" ? state.task.title : state.task.description)),
    section("What was done", sectionOf(parts.work, "What I Completed") ?? ""),
    section("Decisions", sectionOf(parts.work, "Decisions Made") ?? ""),
    section("Verification", verification(state, parts.results)),
    section("Assumptions", assumptions(parts.strategy)),
    section("Questions and answers", answers(state)),
    section("How to undo", `Revert the merge, or return to \`${state.base.slice(0, 12)}\`, where the work began.`),
    `Run \`${state.run}\` of \`${state.definition.name}\` ${state.definition.version}; its journal is the branch \`perdure/runs/${state.run}\`.`,
    `Co-authored-by: ${state.trigger.by}`,
  ];
  return { title: parts.title, body: `${sections.filter((text) => text !== "").join("\n\n")}\n` };
}

const section = (title: string, text: string): string => (text.trim() === "" ? "" : `## ${title}\n\n${text.trim()}`);
/** Somebody else's words stand in a quotation, so that no heading or command of theirs is taken for ours. */
const quoted = (text: string): string =>
  text
    .slice(0, 4_000)
    .split("\n")
    .map((line) => `> ${line}`)
    .join("\n");

function verification(state: RunState, results: Document | undefined): string {
  const checks = (results?.fields["checks"] ?? []) as readonly ValueMap[];
  if (checks.length === 0) return "";
  const rows = checks.map(
    (check) =>
      `| ${mark(check["status"])} | ${cell(check["name"])} | ${check["duration_seconds"] ?? ""} s | ${check["exit_code"] ?? ""} |`,
  );
  const attempts = Number(results?.fields["attempt_number"] ?? 1);
  const failures = state.errors.length;
  const history = attempts > 1 ? `\n\nPassed on attempt ${attempts}.` : "";
  return (
    [`|   | Check | Time | Exit code |`, `|---|---|---|---|`, ...rows].join("\n") +
    history +
    (failures > 0 ? ` ${failures} failed tries are in the journal.` : "")
  );
}

const mark = (status: unknown): string => (status === "passed" ? "✅" : status === "skipped" ? "⏭" : "❌");
const cell = (text: unknown): string =>
  String(text ?? "")
    .replaceAll("|", "\\|")
    .replaceAll("\n", " ");

const assumptions = (strategy: Document | undefined): string =>
  ((strategy?.fields["assumptions"] ?? []) as readonly ValueMap[])
    .map((one) => `- ${String(one["statement"] ?? "")}`)
    .join("\n");

const answers = (state: RunState): string =>
  state.questions.flatMap((q) => (q.answer ? [`- **${q.title}** ${q.answer.text} (${q.answer.by})`] : [])).join("\n");
