import type { Instant } from "../core/brand.ts";
import { unreachable } from "../core/brand.ts";
import { type EventBody, eventIdOf, type JournalEvent } from "../core/event.ts";

/** Events with their heads. The id is a function of the intent alone (law J4), so a repetition is recognised. */
export const stamp = (bodies: readonly EventBody[], at: Instant, epoch: number, cause = ""): readonly JournalEvent[] =>
  bodies.map((body) => ({
    id: identify(body, epoch, at, cause),
    at,
    epoch: body.type === "lease.claimed" ? body.lease.epoch : epoch,
    ...body,
  }));

function identify(body: EventBody, epoch: number, at: Instant, cause: string): string {
  const id = (subject: string, more: string | number = cause): string => eventIdOf(body.type, epoch, subject, more);
  switch (body.type) {
    case "run.created":
      return id(body.run);
    case "lease.claimed":
      return eventIdOf(body.type, body.lease.epoch, "run");
    case "lease.lost":
    case "lease.released":
    case "run.completed":
    case "run.failed":
    case "run.escalated":
    case "run.paused":
    case "run.cancelled":
      return id("run", cause || at);
    case "step.started":
    case "step.completed":
    case "step.failed":
    case "step.interrupted":
      return id(body.step, body.attempt);
    case "step.checkpointed":
      return id(body.step, `${body.attempt}:${body.reason}:${body.commit}`);
    case "step.skipped":
      return id(body.step);
    case "repeat.visited":
      return id(body.step, body.visit);
    case "question.asked":
      return id(body.step, body.questions.map((question) => question.id).join("+"));
    case "effect.requested":
    case "effect.done":
      return id(body.key);
    case "run.pause-requested":
    case "run.cancel-requested":
    case "run.resumed":
    case "question.answered":
    case "note.added":
      return id(body.by, cause || at);
    default:
      return unreachable(body);
  }
}
