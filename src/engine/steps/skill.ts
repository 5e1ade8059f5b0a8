import type { Value, ValueMap } from "../../core/brand.ts";
import type { Action } from "../../core/definition.ts";
import { type DocumentName, sectionOf } from "../../core/document.ts";
import { type EventBody, idOfKey, visitOfKey } from "../../core/event.ts";
import type { Problem } from "../../core/problem.ts";
import type { Skill } from "../../core/skill.ts";
import type { RunState } from "../../core/state.ts";
import type { Agent, AgentResult, AgentSession } from "../../ports/agent.ts";
import type { Tree } from "../../ports/workspace.ts";
import type { Attempt, Outcome } from "../worker.ts";
import { bothSpendings, runAgent } from "./agent-task.ts";
import { freshDocuments, layBriefing, promptScope } from "./briefing.ts";
import { keep, layExpectations, type Received, receive } from "./exchange.ts";
import { failed } from "./outcome.ts";
import { escapes } from "./outside.ts";
import { questionsOf } from "./questions.ts";
import { restoreSession } from "./session.ts";
import { countFiles, saveWork, workChange, workOf } from "./work.ts";

/**
 * A skill carried out by an agent: documents in, documents out, edits as one commit. A document that breaks its
 * contract goes back to the agent once, with the problems; then the step fails as `contract`.
 */
export async function performSkill(attempt: Attempt, action: Action & { type: "skill" }, tree: Tree): Promise<Outcome> {
  const { worker, key } = attempt;
  const state = worker.ledger.state();
  const skill = worker.kit.skills.get(action.skill);
  if (!skill)
    return failed(attempt, { class: "contract", message: `The skill \`${action.skill}\` is not pinned in this run.` });
  const agent = worker.ports.agent(action.agent ?? state.agent);
  if (!agent.ok) return failed(attempt, { class: "refused", message: agent.problems.map((p) => p.what).join(" ") });
  const visit = skillVisit(state, attempt, action.skill);
  const before = await tree.outside();
  const config = { ...state.agentConfig, ...action.config };
  const { session, warnings: restoring } = await restoreSession(worker, agent.value, state.steps[key]);
  const talk = await converse(attempt, tree, { agent: agent.value, skill, visit, config, ...(session && { session }) });
  const spending = bothSpendings(talk.results);
  const warnings = [
    ...restoring,
    ...talk.results.flatMap((result) => result.warnings),
    ...talk.received.warnings,
    ...escapes(before, await tree.outside()),
  ];
  const last = talk.results.at(-1)?.outcome;
  if (last?.kind === "failed") {
    const detail = last.detail === undefined ? {} : { detail: await worker.ports.vault.redact(last.detail) };
    return failed(
      attempt,
      { class: last.class, message: await worker.ports.vault.redact(last.message), ...detail },
      { spending, warnings },
    );
  }
  if (talk.received.problems.length > 0) {
    const message = `The agent's documents broke their contract twice: ${talk.received.problems.map((p) => p.what).join(" ")}`;
    return failed(
      attempt,
      { class: "contract", message, detail: describe(talk.received.problems).join("\n") },
      { spending, warnings },
    );
  }
  return complete(attempt, tree, { skill, visit, received: talk.received, spending, warnings });
}

interface Talk {
  readonly results: readonly AgentResult[];
  readonly received: Received;
}

interface Cast {
  readonly agent: Agent;
  readonly skill: Skill;
  readonly visit: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly session?: AgentSession;
}

/** The agent's turn, and once more with the problems of its documents when there are any. */
async function converse(attempt: Attempt, tree: Tree, cast: Cast): Promise<Talk> {
  const { worker } = attempt;
  const present = await layBriefing(attempt, tree, cast.skill, cast.visit);
  const expected = await layExpectations(worker, tree, cast.skill.outputs);
  const results: AgentResult[] = [];
  let session = cast.session;
  for (let errors: readonly string[] = []; ; ) {
    const prompt = cast.skill.prompt.render(
      await promptScope(attempt, { visit: cast.visit, present, expected, errors }),
    );
    if (!prompt.ok)
      return {
        results: [contractFailure(`The prompt of \`${cast.skill.name}\` cannot be written: ${prompt.message}`)],
        received: nothing,
      };
    const result = await runAgent(attempt, tree, { ...cast, prompt: prompt.value, ...(session && { session }) });
    results.push(result);
    const received = result.outcome.kind === "done" ? await receive(worker, tree, cast.skill.outputs) : nothing;
    if (received.problems.length === 0 || results.length > 1) return { results, received };
    errors = describe(received.problems);
    session = result.session;
  }
}

const nothing: Received = { documents: new Map(), problems: [], warnings: [] };
const contractFailure = (message: string): AgentResult => ({
  outcome: { kind: "failed", class: "contract", message },
  spending: { usd: 0, inputTokens: 0, outputTokens: 0, turns: 0 },
  warnings: [],
});

const describe = (problems: readonly Problem[]): readonly string[] =>
  problems.map((p) => {
    const place = p.where
      ? `${p.where.file ?? ""}:${p.where.line ?? "?"}:${p.where.column ?? "?"} ${p.where.path ?? ""} `
      : "";
    return `${place}${p.what}${p.expected === undefined ? "" : ` Expected ${p.expected}.`}${p.received === undefined ? "" : ` Received ${p.received}.`}`;
  });

interface Finished {
  readonly skill: Skill;
  readonly visit: number;
  readonly received: Received;
  readonly spending: AgentResult["spending"];
  readonly warnings: readonly string[];
}

async function complete(
  attempt: Attempt,
  tree: Tree,
  { skill, visit, received, spending, warnings }: Finished,
): Promise<Outcome> {
  const { worker, key, step } = attempt;
  const state = worker.ledger.state();
  const saved =
    skill.access === "write"
      ? await saveWork(attempt, tree, subjectOf(received, `${skill.name}: ${state.task.title}`))
      : undefined;
  const strayed = skill.access === "read" ? await tree.changed(state.head) : [];
  if (strayed.length > 0) await tree.reset(state.head);
  const { files, kept } = keep(worker, visit, received.documents);
  const given = Object.fromEntries(
    Object.entries(freshDocuments(attempt, skill, visit)).map(([name, document]) => {
      const contract = worker.kit.contracts[name as DocumentName];
      return [contract.file, contract.write(document)];
    }),
  );
  const outputs = outputsOf(skill, received);
  const checkpoint = step.checkpoint ? state.checkpoints.length + 1 : undefined;
  const notes =
    strayed.length > 0
      ? [
          `\`${skill.name}\` may only read, but changed ${countFiles(strayed.length)}; the changes were undone: ${strayed.slice(0, 5).join(", ")}.`,
        ]
      : [];
  const completed: EventBody = {
    type: "step.completed",
    step: key,
    attempt: attempt.attempt,
    outputs,
    summary: summaryOf(skill, outputs, saved?.files.length),
    documents: kept,
    spending,
    ...(saved && { work: workOf(state, saved) }),
    ...(checkpoint !== undefined && { checkpoint }),
    ...(warnings.length + notes.length > 0 && { warnings: [...warnings, ...notes] }),
  };
  const questions = questionsOf(received.documents.get("feedback")?.document, state.questions);
  const bodies: EventBody[] =
    questions.length > 0 ? [completed, { type: "question.asked", step: key, questions }] : [completed];
  return {
    bodies,
    files: { ...files, ...given, [`results/${key}.json`]: `${JSON.stringify(outputs, null, 2)}\n` },
    refs: saved ? [workChange(state, saved.commit)] : [],
  };
}

/** The fields of the skill's first document by their own names; those of every other under the document's name. */
function outputsOf(skill: Skill, { documents }: Received): ValueMap {
  const [primary, ...others] = skill.outputs.map(({ name }) => name);
  const rest = others.flatMap((name) => {
    const found = documents.get(name);
    return found ? [[name, found.document.fields] as const] : [];
  });
  return { ...(primary && documents.get(primary)?.document.fields), ...Object.fromEntries(rest) };
}

/** What the agent says it completed, as the subject of its commit; git shows about seventy characters of one. */
function subjectOf({ documents }: Received, fallback: string): string {
  const said = sectionOf(documents.get("state")?.document, "What I Completed")?.split(/\n\s*\n/, 1)[0] ?? "";
  const words = (said.trim() === "" ? fallback : said)
    .replace(/^[-*]\s+/, "")
    .replace(/\s+/g, " ")
    .trim();
  const sentence = /^(.+?)[.;](?:\s|$)/.exec(words)?.[1] ?? words;
  return sentence.length <= 72 ? sentence : `${sentence.slice(0, 71).replace(/\s+\S*$/, "")}…`;
}

/** One short line for the table that people read. */
function summaryOf(skill: Skill, outputs: ValueMap, files: number | undefined): string {
  const text = (name: string): string => (typeof outputs[name] === "string" ? (outputs[name] as string) : "");
  const count = (name: string): number =>
    Array.isArray(outputs[name]) ? (outputs[name] as readonly Value[]).length : 0;
  if (text("decision") !== "")
    return [text("decision"), count("subtasks") > 0 ? `${count("subtasks")} sub-tasks` : ""].filter(Boolean).join(", ");
  if (text("validation_scope") !== "") return `${text("validation_scope")}, ${count("checks")} checks planned`;
  if (text("root_cause_category") !== "") return text("root_cause_category").replaceAll("_", " ");
  if (skill.access === "write") return files === undefined ? "changed nothing" : countFiles(files);
  return text("status");
}

/** Which visit of the skill this is in the run, whichever steps carried it out before. */
function skillVisit(state: RunState, { worker, key }: Attempt, skill: string): number {
  const uses = (id: string): boolean => {
    const action = worker.kit.plan.nodes.get(id as never)?.step.action;
    return action?.type === "skill" && action.skill === skill;
  };
  const earlier = (Object.keys(state.steps) as (typeof key)[]).filter(
    (other) => other !== key && uses(idOfKey(other)) && state.steps[other]?.status === "completed",
  );
  return Math.max(earlier.length + 1, uses(idOfKey(key)) ? 1 : visitOfKey(key));
}
