import type { ValueMap } from "../../core/brand.ts";
import type { Document } from "../../core/document.ts";
import type { RunState } from "../../core/state.ts";

/** The task as a document, made anew for each visit of a skill. Times are given as ISO text by the caller. */
export const taskInput = (state: RunState, skill: string, visit: number, at: string): Document => ({
  fields: {
    version: "1.0",
    schema_type: "task-input",
    task_id: state.task.id,
    iteration: visit,
    skill,
    git: {
      target_branch: state.task.branch === "" ? `perdure/work/${state.run}` : state.task.branch,
      main_branch: state.task.target,
    },
    task: {
      title: state.task.title,
      description: state.task.description,
      priority: state.task.priority,
      labels: state.task.labels,
    },
    metadata: { created_at: at, triggered_by: state.trigger.kind },
  },
  body: "",
});

/** What people answered and noted, or undefined while there is nothing. */
export function userResponses(state: RunState, iso: (at: number) => string): Document | undefined {
  const responses = state.questions.flatMap((question): readonly ValueMap[] =>
    question.answer
      ? [
          {
            question_id: question.id,
            question: question.title,
            answer: question.answer.text,
            answered_by: question.answer.by,
          },
        ]
      : [],
  );
  const notes = state.notes.map((note): ValueMap => ({ text: note.text, by: note.by, at: iso(note.at) }));
  if (responses.length === 0 && notes.length === 0) return undefined;
  const body = [
    "# User Responses",
    ...state.questions.flatMap((question) => (question.answer ? [`## ${question.title}`, question.answer.text] : [])),
    ...(state.notes.length > 0 ? ["## Notes", ...state.notes.map((note) => `- ${note.by}: ${note.text}`)] : []),
  ].join("\n\n");
  return { fields: { task_id: state.task.id, responses, notes }, body: `${body}\n` };
}
