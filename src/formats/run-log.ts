import { unreachable } from "../core/brand.ts";
import type { JournalEvent } from "../core/event.ts";
import { describeOwner } from "../core/lease.ts";

/**
 * `logs/YYYY-MM-DD.log`: a line for each event of a UTC day, for people. A day's log grows with every event, and git
 * cannot append to a file, so it is not rendered with every commit: only when the run comes to rest or its lease is
 * released, from the journal, for the days that have events since the release before. The journal has the lines of a
 * run that is being worked on.
 */
export function runLogs(
  earlier: readonly JournalEvent[],
  added: readonly JournalEvent[],
): Readonly<Record<string, string>> {
  const events = [...earlier, ...added];
  const since = earlier.findLastIndex(isRelease) + 1;
  const days = new Set(events.slice(since).map(dayOf));
  const lines = new Map([...days].map((day) => [day, ""]));
  events.forEach((event, index) => {
    const day = dayOf(event);
    if (days.has(day)) lines.set(day, `${lines.get(day) ?? ""}${logLine(event, index + 1)}\n`);
  });
  return Object.fromEntries([...lines].map(([day, text]) => [`logs/${day}.log`, text]));
}

/** Whether a commit of these events wants the logs rendered. */
export const isLogDue = (events: readonly JournalEvent[]): boolean =>
  events.some((event) => isRelease(event) || isEnd(event));

const isRelease = (event: JournalEvent): boolean => event.type === "lease.released";
const isEnd = (event: JournalEvent): boolean =>
  event.type === "run.completed" ||
  event.type === "run.failed" ||
  event.type === "run.escalated" ||
  event.type === "run.paused" ||
  event.type === "run.cancelled";

const dayOf = (event: JournalEvent): string => new Date(event.at).toISOString().slice(0, 10);

/** One event as one line: `2026-11-20T21:30:00.000Z #17 step.completed verify@2: 11 of 12`. */
export function logLine(event: JournalEvent, seq: number): string {
  const detail = oneLine(detailOf(event));
  return `${new Date(event.at).toISOString()} #${seq} ${event.type}${detail === "" ? "" : ` ${detail}`}`;
}

/** What an event is about, in a word: the subject of its commit. */
export const subjectOf = (event: JournalEvent): string =>
  "step" in event ? event.step : "key" in event ? event.key : "";

function detailOf(event: JournalEvent): string {
  switch (event.type) {
    case "run.created":
      return `${event.definition.name} ${event.definition.version}, ${event.trigger.kind} by ${event.trigger.by}: ${event.task.title}`;
    case "run.pause-requested":
    case "run.cancel-requested":
      return `by ${event.by}${event.now ? ", now" : ""}`;
    case "run.paused":
      return `${event.reason}: ${event.detail}`;
    case "run.resumed":
    case "run.cancelled":
      return `by ${event.by}`;
    case "run.completed":
      return "";
    case "run.failed":
    case "run.escalated":
      return `${event.step}: ${event.message}`;
    case "lease.claimed":
      return `epoch ${event.lease.epoch}, ${describeOwner(event.lease.owner)}`;
    case "lease.released":
      return event.reason;
    case "lease.lost":
      return `${describeOwner(event.lease.owner)}: ${event.verdict}`;
    case "step.started":
      return `${event.step}, attempt ${event.attempt}`;
    case "step.checkpointed":
      return `${event.step}: ${event.commit} (${event.reason})`;
    case "step.completed":
      return `${event.step}: ${event.summary}`;
    case "step.failed":
      return `${event.step}, attempt ${event.attempt}, ${event.failure.class}: ${event.failure.message}`;
    case "step.skipped":
      return `${event.step}: ${event.reason}`;
    case "step.interrupted":
      return `${event.step}: ${event.cause}`;
    case "repeat.visited":
      return `${event.step}, visit ${event.visit}${event.escalated ? ", escalated" : ""}`;
    case "question.asked":
      return `${event.step}: ${event.questions.map((question) => `${question.id} ${question.title}`).join("; ")}`;
    case "question.answered":
      return `by ${event.by}: ${event.answers.map((given) => `${given.question}=${given.answer}`).join("; ")}`;
    case "note.added":
      return `by ${event.by}: ${event.text}`;
    case "effect.requested":
    case "effect.done":
      return event.key;
    default:
      return unreachable(event);
  }
}

/** A log line is one line: whatever a person or an agent wrote must not be able to forge the next one. */
const oneLine = (text: string): string => {
  const flat = text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").trim();
  return flat.length > 500 ? `${flat.slice(0, 499)}…` : flat;
};
