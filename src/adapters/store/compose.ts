import { hash } from "node:crypto";
import type { JournalEvent } from "../../core/event.ts";
import { type JournalPosition, journalFolder, writeSegment } from "../../formats/journal.ts";
import { runFiles } from "../../formats/run-files.ts";
import { isLogDue, runLogs } from "../../formats/run-log.ts";
import type { Transaction } from "../../ports/store.ts";

/** Everything that one commit puts on a run's branch, and where the journal stands after it. */
export interface Composed {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly position: JournalPosition;
}

export interface ComposeParts {
  /** A fingerprint of a file's bytes, which the store can later compare without reading the file. */
  readonly fingerprint: (content: Uint8Array) => string;
  /** The events before this transaction; asked for only when a log is due. */
  readonly history: () => Promise<readonly JournalEvent[]>;
}

/** SHA-256 in hex: the digest of every journal, whatever the store. */
export const sha256 = (content: string | Uint8Array): string => hash("sha256", content);

/**
 * A transaction as files. Every store goes through here, so that the same events give the same bytes wherever a run
 * lives. Equal arguments give equal bytes: a repeated commit is the same commit (law J4).
 */
export async function compose(
  transaction: Transaction,
  before: JournalPosition,
  parts: ComposeParts,
): Promise<Composed> {
  const { events, state } = transaction;
  if (events.length === 0) throw new Error("A transaction without events.");
  const span = { from: before.seq, to: before.seq + events.length };
  const logs = isLogDue(events) ? runLogs(before.seq === 0 ? [] : await parts.history(), events) : {};
  const files = new Map<string, Uint8Array>();
  for (const [path, content] of Object.entries({ ...transaction.files, ...runFiles(state, span), ...logs })) {
    assertPath(path);
    files.set(path, typeof content === "string" ? Buffer.from(content) : content);
  }
  const sealed = Object.fromEntries([...files].map(([path, content]) => [path, parts.fingerprint(content)]));
  const segment = writeSegment(before, { events, files: sealed }, sha256);
  files.set(segment.path, Buffer.from(segment.text));
  return { files, position: segment.position };
}

/** Paths come from the engine, which makes them from ids: one that leads elsewhere is a bug, and is stopped here. */
function assertPath(path: string): void {
  const segments = path.split("/");
  const odd = segments.some((part) => part === "" || part === "." || part === ".." || part.toLowerCase() === ".git");
  if (odd || /[\0\\]/.test(path) || path.startsWith(journalFolder))
    throw new Error(`Not a path for a file of a run: ${JSON.stringify(path)}.`);
}
