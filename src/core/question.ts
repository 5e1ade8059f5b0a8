import type { StepKey } from "./brand.ts";

/** What a person is asked. Open until answered; a blocking one holds the run, and no worker waits for it. */
export interface Question {
  /** `q1`, `q2` … unique in the run, numbered in the order they were asked. */
  readonly id: string;
  readonly title: string;
  readonly priority: "blocking" | "important" | "optional";
  readonly context?: string;
  readonly options?: readonly { readonly value: string; readonly description?: string }[];
  readonly default?: string;
  /** What follows from leaving it unanswered. */
  readonly impact?: string;
  /** An approval is a question with two answers that decides whether its step completes. */
  readonly approval?: boolean;
}

export interface AskedQuestion extends Question {
  readonly step: StepKey;
  readonly answer?: { readonly text: string; readonly by: string };
}

export const isOpen = (question: AskedQuestion): boolean => question.answer === undefined;
export const isBlocking = (question: AskedQuestion): boolean => isOpen(question) && question.priority === "blocking";
