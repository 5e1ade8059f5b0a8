import type { EventBody } from "../core/event.ts";
import type { Files } from "../ports/store.ts";
import type { Attempt, Outcome } from "./worker.ts";

/**
 * The files that people find beside the journal for what an attempt came to (design: files of a run): an error as a
 * page, a checkpoint as data, every round of questions under a number of its own.
 */
export function withRecords(attempt: Attempt, outcome: Outcome): Outcome {
  const files = Object.assign(
    {},
    ...outcome.bodies.map((body) => recordsOf(attempt, body, outcome.files ?? {})),
  ) as Files;
  return { ...outcome, files: { ...outcome.files, ...files } };
}

function recordsOf({ worker, key }: Attempt, body: EventBody, files: Files): Files {
  const state = worker.ledger.state();
  const at = new Date(worker.ports.clock.now()).toISOString();
  if (body.type === "step.failed") {
    const { failure } = body;
    const detail = failure.detail === undefined ? [] : ["```text", failure.detail.replaceAll("```", "'''"), "```", ""];
    const facts = [
      `- class: ${failure.class}`,
      `- try: ${body.attempt}`,
      `- at: ${at}`,
      ...(failure.fingerprint === undefined ? [] : [`- fingerprint: ${failure.fingerprint}`]),
    ];
    return { [`errors/${key}.md`]: [`# ${key}`, "", failure.message, "", ...facts, "", ...detail].join("\n") };
  }
  if (body.type === "step.completed" && body.checkpoint !== undefined) {
    const data = { number: body.checkpoint, step: key, commit: body.work?.after ?? state.head, at };
    return { [`checkpoints/${body.checkpoint}.json`]: `${JSON.stringify(data, null, 2)}\n` };
  }
  const feedback = files["feedback.md"];
  if (body.type === "question.asked" && feedback !== undefined) {
    const rounds = new Set(state.questions.map((question) => question.step)).size;
    return { [`feedback-${rounds + 1}.md`]: feedback };
  }
  return {};
}
