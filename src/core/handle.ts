import { unreachable } from "./brand.ts";
import type { Command } from "./command.ts";
import type { Answered, EventBody } from "./event.ts";
import type { Plan } from "./plan.ts";
import { ok, problem, type Result, refuse } from "./problem.ts";
import { type AskedQuestion, isOpen } from "./question.ts";
import { isResting, type RunState } from "./state.ts";

/** A command applied to a run: the events that it makes, or why it cannot be, with the way out. */
export function handle(plan: Plan, state: RunState, command: Command, by: string): Result<readonly EventBody[]> {
  switch (command.verb) {
    case "pause":
      return stopEvents(
        state,
        { type: "run.pause-requested", by, now: command.now },
        { type: "run.paused", reason: "person", detail: `Paused by ${by}.` },
      );
    case "cancel":
      return stopEvents(state, { type: "run.cancel-requested", by, now: command.now }, { type: "run.cancelled", by });
    case "resume":
      return resume(plan, state, command.usd, by);
    case "answer":
      return answer(state, command, by);
    case "note":
      return command.text.trim() === ""
        ? refuse(problem("empty-note", "The note is empty.", { fix: 'perdure note RUN "what the agent should know"' }))
        : ok([{ type: "note.added", text: command.text.trim(), by }]);
    default:
      return unreachable(command);
  }
}

/** A worker carries the request out; where none works, the word is final at once. */
function stopEvents(state: RunState, request: EventBody, atOnce: EventBody): Result<readonly EventBody[]> {
  const over =
    state.status === "completed" ||
    state.status === "cancelled" ||
    (request.type === "run.pause-requested" && isResting(state.status));
  if (over)
    return refuse(
      problem("run-over", `Run \`${state.run}\` is ${state.status} already.`, { fix: `perdure status ${state.run}` }),
    );
  return ok([state.lease ? request : atOnce]);
}

function resume(plan: Plan, state: RunState, usd: number | undefined, by: string): Result<readonly EventBody[]> {
  if (state.status === "completed") {
    return refuse(
      problem("run-over", `Run \`${state.run}\` is completed; there is nothing to resume.`, {
        fix: `perdure status ${state.run}`,
      }),
    );
  }
  const open = state.questions.filter((question) => isOpen(question) && question.priority === "blocking");
  if (open.length > 0 && !isResting(state.status)) {
    const ids = open.map((question) => `${question.id}=…`).join(" ");
    return refuse(
      problem(
        "answers-missing",
        `Run \`${state.run}\` waits for ${open.length === 1 ? "an answer" : `${open.length} answers`}: ${open.map((q) => q.title).join("; ")}`,
        { fix: `perdure answer ${state.run} ${ids}` },
      ),
    );
  }
  const limit = usd ?? state.usd ?? plan.definition.limits.usd;
  if (state.reason?.kind === "budget" && limit !== undefined && limit <= state.spending.usd) {
    return refuse(
      problem("budget-spent", `Run \`${state.run}\` has spent $${state.spending.usd.toFixed(2)}, all of its budget.`, {
        fix: `perdure resume ${state.run} --budget ${(state.spending.usd * 2).toFixed(2)}`,
      }),
    );
  }
  return ok(
    isResting(state.status) || usd !== undefined
      ? [{ type: "run.resumed", by, ...(usd !== undefined && { usd }) }]
      : [],
  );
}

function answer(
  state: RunState,
  { answers, defaults }: Command & { verb: "answer" },
  by: string,
): Result<readonly EventBody[]> {
  const open = state.questions.filter(isOpen);
  if (open.length === 0)
    return refuse(
      problem("no-question", `Run \`${state.run}\` has no open question.`, { fix: `perdure status ${state.run}` }),
    );
  const unknown = Object.keys(answers).filter((id) => !open.some((question) => question.id === questionId(id)));
  if (unknown.length > 0) {
    return refuse(
      ...unknown.map((id) =>
        problem("unknown-question", `No open question is called \`${id}\`.`, {
          expected: open.map((q) => q.id).join(", "),
          received: id,
        }),
      ),
    );
  }
  const given: Answered[] = Object.entries(answers).map(([id, text]) => ({
    question: questionId(id),
    answer: text.trim(),
  }));
  const byDefault = defaults
    ? open.flatMap((q) =>
        q.default !== undefined && !given.some((g) => g.question === q.id)
          ? [{ question: q.id, answer: q.default }]
          : [],
      )
    : [];
  const all = [...given, ...byDefault];
  const bad = all.flatMap((one) =>
    misfit(
      open.find((question) => question.id === one.question),
      one.answer,
    ),
  );
  if (bad.length > 0) return refuse(...bad);
  if (all.length === 0)
    return refuse(
      problem("no-default", "None of the open questions has a default.", {
        fix: `perdure answer ${state.run} ${open.map((q) => `${q.id}=…`).join(" ")}`,
      }),
    );
  return ok([{ type: "question.answered", answers: all, by }]);
}

/** Options are what the asker can deal with, so an approval takes nothing else; elsewhere free words are an answer too. */
function misfit(question: AskedQuestion | undefined, text: string) {
  if (!question) return [];
  if (text === "")
    return [problem("empty-answer", `The answer to ${question.id} is empty.`, { expected: question.title })];
  const options = question.options?.map((option) => option.value) ?? [];
  if (!question.approval || options.includes(text)) return [];
  return [
    problem("unknown-option", `${question.id} cannot be answered with \`${text}\`.`, {
      expected: options.join(" or "),
      received: text,
    }),
  ];
}

/** `1` and `q1` are the same question. */
const questionId = (id: string): string => (/^\d+$/.test(id) ? `q${id}` : id);
