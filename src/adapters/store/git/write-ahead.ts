import {
  closeSync,
  constants,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { RunId } from "../../../core/brand.ts";
import { JournalBroken, type OpenWriteAhead, type WriteAhead, type WriteAheadEntry } from "../../../ports/store.ts";
import { fileFailure } from "./process.ts";

/**
 * `perdure/wal/RUN.EPOCH.jsonl` in the git directory: a line for each entry, synced before `append` returns. Everything
 * is synchronous: this is the moment at which a step is done, and nothing may come between.
 */
export const writeAheadIn =
  (common: string): OpenWriteAhead =>
  (run, epoch) => {
    const folder = join(common, "perdure", "wal");
    const path = join(folder, `${run}.${epoch}.jsonl`);
    let file: OpenFile | undefined;

    const open = (): OpenFile => {
      if (file) return file;
      makeFolder(folder);
      const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
      syncFolderSync(folder);
      // A torn last line goes now: the next one must begin on a line of its own.
      const length = parse(run, path).length;
      ftruncateSync(fd, length);
      file = { fd, length };
      return file;
    };

    const close = (): void => {
      if (file) closeSync(file.fd);
      file = undefined;
    };

    return {
      append: (entry) => guarded(() => append(open(), entry)),
      pending: () => parse(run, path).entries,
      clear: () =>
        guarded(() => {
          // Not synced: entries that a power loss brings back are in a commit, and are known by their event ids.
          if (!file && parse(run, path).length === 0) return;
          const opened = open();
          ftruncateSync(opened.fd, 0);
          opened.length = 0;
        }),
      drop: () =>
        guarded(() => {
          close();
          for (const name of namesUpTo(folder, run, epoch)) rmSync(join(folder, name), { force: true });
        }),
    } satisfies WriteAhead;
  };

interface OpenFile {
  readonly fd: number;
  length: number;
}

function append(file: OpenFile, entry: WriteAheadEntry): void {
  const line = Buffer.from(
    `${JSON.stringify({ ...entry, files: Object.fromEntries(Object.entries(entry.files).map(encode)) })}\n`,
  );
  try {
    for (let at = 0; at < line.length; ) at += writeSync(file.fd, line, at, line.length - at, file.length + at);
    fdatasyncSync(file.fd);
  } catch (error) {
    // Half a line must not stand before the next one.
    ftruncateSync(file.fd, file.length);
    throw error;
  }
  file.length += line.length;
}

/** Text stays text, for people who look into the file; bytes go as base64. */
const encode = ([path, content]: [string, string | Uint8Array]): [string, unknown] =>
  typeof content === "string" ? [path, content] : [path, { base64: Buffer.from(content).toString("base64") }];

const decode = ([path, content]: [string, unknown]): [string, string | Uint8Array] =>
  typeof content === "string"
    ? [path, content]
    : [path, new Uint8Array(Buffer.from((content as { base64: string }).base64, "base64"))];

/** The entries of a file, and the bytes that they take. */
function parse(run: RunId, path: string): { readonly entries: readonly WriteAheadEntry[]; readonly length: number } {
  const bytes = contentOf(path);
  const end = bytes.lastIndexOf(10) + 1;
  const lines = bytes.toString("utf8", 0, end).split("\n").slice(0, -1);
  const entries: WriteAheadEntry[] = [];
  for (const [index, line] of lines.entries()) {
    const entry = entryOf(line);
    if (entry) entries.push(entry);
    // A last line that was written but not synced may have its end and not its middle.
    else if (index === lines.length - 1) return { entries, length: end - Buffer.byteLength(line) - 1 };
    else
      throw new JournalBroken(
        run,
        0,
        `Line ${index + 1} of the write-ahead file of run ${run} is damaged; nothing was touched.`,
      );
  }
  return { entries, length: end };
}

function entryOf(line: string): WriteAheadEntry | undefined {
  try {
    const { events, files, refs } = JSON.parse(line) as WriteAheadEntry;
    return { events, files: Object.fromEntries(Object.entries(files).map(decode)), refs };
  } catch {
    return undefined;
  }
}

function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return Buffer.alloc(0);
    throw fileFailure("read the write-ahead file", error);
  }
}

function namesUpTo(folder: string, run: RunId, epoch: number): readonly string[] {
  const pattern = /^(.+)\.(\d+)\.jsonl$/;
  try {
    return readdirSync(folder).filter((name) => {
      const [, owner, number] = pattern.exec(name) ?? [];
      return owner === run && Number(number) <= epoch;
    });
  } catch {
    return [];
  }
}

/** Makes the folder and its parents, and their names durable. */
function makeFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) syncFolderSync(dirname(made));
}

function syncFolderSync(folder: string): void {
  if (process.platform === "win32") return;
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Every failure as an error of the port. */
function guarded(work: () => void): void {
  try {
    work();
  } catch (error) {
    throw error instanceof JournalBroken ? error : fileFailure("append to the write-ahead file", error);
  }
}
