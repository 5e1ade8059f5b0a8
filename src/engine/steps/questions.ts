import type { Document } from "../../core/document.ts";
import type { AskedQuestion, Question } from "../../core/question.ts";

/** Questions are numbered through the whole run, so that `answer 3=…` can mean only one of them. */
export const nextQuestionId = (asked: readonly AskedQuestion[], offset: number): string =>
  `q${asked.length + offset + 1}`;

/**
 * The questions of a feedback document. Its contract was checked, so the fields have their shapes. A question whose
 * title was asked and answered in this run before is not asked again.
 */
export function questionsOf(feedback: Document | undefined, asked: readonly AskedQuestion[]): readonly Question[] {
  const raw = feedback?.fields["questions"];
  if (!Array.isArray(raw)) return [];
  const fresh = (raw as readonly Question[]).filter(
    (question) => !asked.some((known) => known.title === question.title),
  );
  return fresh.map((question, index) => ({
    id: nextQuestionId(asked, index),
    title: question.title,
    priority: question.priority,
    ...(question.context !== undefined && { context: question.context }),
    ...(question.options !== undefined && { options: question.options }),
    ...(question.default !== undefined && { default: question.default }),
    ...(question.impact !== undefined && { impact: question.impact }),
  }));
}
