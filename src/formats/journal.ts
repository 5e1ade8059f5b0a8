import { instantOf } from "../core/brand.ts";
import { type EventBody, type JournalEvent, spec } from "../core/event.ts";

/**
 * Events to segments of text and back. Segment n is what append n wrote: a line for each event, and a last line that
 * seals the segment together with every file of the same commit. Each line carries the hash of the line before it and
 * its own, across segments, so that one changed byte anywhere breaks the chain at a place that can be named (law J2).
 *
 * Hashes are made over text and never over parsed values: no rule about canonical JSON can then be understood in two ways.
 */
export type Digest = (text: string) => string;

/** Where a journal ends: events and segments so far, and the hash that the next line follows. */
export interface JournalPosition {
  readonly seq: number;
  readonly segment: number;
  readonly hash: string;
}

export const emptyJournal: JournalPosition = { seq: 0, segment: 0, hash: "" };

export interface Segment {
  readonly path: string;
  readonly text: string;
  readonly position: JournalPosition;
}

/** Path to fingerprint of what was written in the same commit; what a fingerprint is, the store decides. */
export type SealedFiles = Readonly<Record<string, string>>;

export type JournalRead =
  | {
      readonly status: "intact";
      readonly events: readonly JournalEvent[];
      readonly position: JournalPosition;
      /** The latest fingerprint of every file that was ever sealed. */
      readonly files: SealedFiles;
    }
  /** `seq` is the first event that does not fit, from 1. */
  | { readonly status: "broken"; readonly seq: number; readonly message: string }
  /** Written by a later Perdure, in a meaning that this one does not know. */
  | { readonly status: "newer"; readonly spec: number };

export const journalFolder = "journal/";

/** A hundred segments a folder: the folder that an append rewrites stays small, so a journal is linear in bytes. */
export const segmentPath = (segment: number): string =>
  `${journalFolder}${String(Math.floor(segment / 100)).padStart(4, "0")}/${String(segment).padStart(6, "0")}.jsonl`;

/** The segment that holds these events and seals these files, after `before`. */
export function writeSegment(
  before: JournalPosition,
  content: { readonly events: readonly JournalEvent[]; readonly files: SealedFiles },
  digest: Digest,
): Segment {
  const segment = before.segment + 1;
  const lines: string[] = [];
  let { seq, hash } = before;
  const add = (head: string, rest: string): void => {
    hash = digest(`${hash}\n${head}${rest}`);
    lines.push(`${head}"hash":"${hash}",${rest}\n`);
  };
  for (const { id, type, epoch, at, ...body } of content.events) {
    seq += 1;
    const rest = JSON.stringify({ id, type, epoch, at: new Date(at).toISOString(), ...body }).slice(1);
    add(`{"seq":${seq},"prev":"${hash}",`, rest);
  }
  add(`{"seal":{"segment":${segment},"seq":${seq},`, `"files":${JSON.stringify(content.files)}}}`);
  return { path: segmentPath(segment), text: lines.join(""), position: { seq, segment, hash } };
}

const eventHead = /^\{"seq":(\d+),"prev":"([^"\\]*)","hash":"([^"\\]*)",/;
const sealHead = /^\{"seal":\{"segment":(\d+),"seq":(\d+),"hash":"([^"\\]*)",/;

/** All segments, path to text, read and checked: density, chain, seals and the shape of every event. */
export function readJournal(segments: ReadonlyMap<string, string>, digest: Digest): JournalRead {
  const newer = newerSpec(segments.get(segmentPath(1)));
  if (newer !== undefined) return { status: "newer", spec: newer };
  const events: JournalEvent[] = [];
  const files: Record<string, string> = {};
  let position = emptyJournal;
  for (let segment = 1; segment <= segments.size; segment += 1) {
    const path = segmentPath(segment);
    const text = segments.get(path);
    if (text === undefined) return broken(position.seq + 1, `${path} is missing.`);
    const read = readSegment(text, position, digest);
    if (read.status === "broken") return { ...read, message: `${path}: ${read.message}` };
    events.push(...read.events);
    Object.assign(files, read.files);
    position = read.position;
  }
  if (events[0]?.type !== "run.created") return broken(1, "The journal does not begin with run.created.");
  return { status: "intact", events, position, files };
}

type Broken = Extract<JournalRead, { status: "broken" }>;

function readSegment(
  text: string,
  before: JournalPosition,
  digest: Digest,
): JournalRead & { status: "intact" | "broken" } {
  const lines = text.split("\n");
  const events: JournalEvent[] = [];
  let { seq, hash } = before;
  if (lines.pop() !== "") return broken(seq + Math.max(1, lines.length), "The last line has no end.");
  const seal = lines.pop() ?? "";
  for (const line of lines) {
    seq += 1;
    const head = eventHead.exec(line);
    if (!head) return broken(seq, `Event ${seq} is not a line of a journal.`);
    if (Number(head[1]) !== seq) return broken(seq, `Event ${seq} is missing; event ${head[1]} stands in its place.`);
    if (head[2] !== hash) return broken(seq, `Event ${seq} follows another history than the one before it.`);
    const rest = line.slice(head[0].length);
    const own = digest(`${hash}\n{"seq":${seq},"prev":"${hash}",${rest}`);
    if (own !== head[3]) return broken(seq, `Event ${seq} is not as it was written: it does not match its own hash.`);
    const event = eventOf(line);
    if (typeof event === "string") return broken(seq, `Event ${seq} ${event}.`);
    events.push(event);
    hash = own;
  }
  const sealed = readSeal(seal, { seq, segment: before.segment + 1, hash }, digest);
  if (sealed.status === "broken") return sealed;
  if (events.length === 0) return broken(seq + 1, "The segment holds no event.");
  return { status: "intact", events, position: sealed.position, files: sealed.files };
}

function readSeal(
  line: string,
  at: JournalPosition,
  digest: Digest,
): Broken | { readonly status: "sealed"; readonly position: JournalPosition; readonly files: SealedFiles } {
  const head = sealHead.exec(line);
  if (!head) return broken(at.seq + 1, "The segment does not end with its seal.");
  if (Number(head[1]) !== at.segment || Number(head[2]) !== at.seq)
    return broken(
      at.seq + 1,
      `The seal is that of segment ${head[1]} up to event ${head[2]}, not of ${at.segment} up to ${at.seq}.`,
    );
  const rest = line.slice(head[0].length);
  const hash = digest(`${at.hash}\n{"seal":{"segment":${at.segment},"seq":${at.seq},${rest}`);
  const files = hash === head[3] ? filesOf(line) : undefined;
  if (!files) return broken(at.seq, `The seal after event ${at.seq} is not as it was written.`);
  return { status: "sealed", position: { ...at, hash }, files };
}

/** The event in a line whose hash is right, or what is wrong with its shape. */
function eventOf(line: string): JournalEvent | string {
  const value = parsed(line);
  if (!isRecord(value)) return "is not JSON";
  const { seq: _seq, prev: _prev, hash: _hash, ...event } = value;
  const { id, type, epoch, at } = event;
  if (typeof type !== "string" || !Object.hasOwn(eventTypes, type))
    return `has an unknown type, ${JSON.stringify(type)}`;
  if (typeof id !== "string" || id === "") return "has no id";
  if (typeof epoch !== "number" || !Number.isInteger(epoch) || epoch < 0) return "has no epoch";
  const instant = typeof at === "string" ? Date.parse(at) : Number.NaN;
  if (Number.isNaN(instant)) return "has no time";
  // The rest of the shape is what this program wrote: the chain says that nobody else did.
  return { ...event, at: instantOf(instant) } as unknown as JournalEvent;
}

function filesOf(seal: string): SealedFiles | undefined {
  const value = parsed(seal);
  const body = isRecord(value) ? value["seal"] : undefined;
  const files = isRecord(body) ? body["files"] : undefined;
  return isRecord(files) && Object.values(files).every((file) => typeof file === "string")
    ? (files as SealedFiles)
    : undefined;
}

/** Looked at before the chain: a later Perdure may well chain in another way, and "broken" would then be a lie. */
function newerSpec(segment: string | undefined): number | undefined {
  const first = parsed(segment?.split("\n", 1)[0] ?? "");
  const known = isRecord(first) && first["type"] === "run.created" ? first["spec"] : undefined;
  return typeof known === "number" && known > spec ? known : undefined;
}

const broken = (seq: number, message: string): Broken => ({ status: "broken", seq, message });

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A record and not a list, so that a new event type fails the build here. */
const eventTypes: Readonly<Record<EventBody["type"], true>> = {
  "run.created": true,
  "run.pause-requested": true,
  "run.paused": true,
  "run.resumed": true,
  "run.cancel-requested": true,
  "run.cancelled": true,
  "run.completed": true,
  "run.failed": true,
  "run.escalated": true,
  "lease.claimed": true,
  "lease.released": true,
  "lease.lost": true,
  "step.started": true,
  "step.checkpointed": true,
  "step.completed": true,
  "step.failed": true,
  "step.skipped": true,
  "step.interrupted": true,
  "repeat.visited": true,
  "question.asked": true,
  "question.answered": true,
  "note.added": true,
  "effect.requested": true,
  "effect.done": true,
};
