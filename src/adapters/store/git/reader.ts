import type { ChildProcess } from "node:child_process";
import { StoreUnavailable } from "../../../ports/store.ts";
import { checkedOid, type GitObject } from "./objects.ts";
import { gitFailure, startFailure, startGit } from "./process.ts";

export interface ObjectReader {
  /** An object by id or by full ref name; undefined when there is none. */
  read(name: string): Promise<GitObject | undefined>;
  close(): Promise<void>;
}

interface Request {
  readonly resolve: (object: GitObject | undefined) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One `git cat-file --batch`, started by the first question and kept. It knows packs, alternates and every kind of ref
 * storage, sees what other processes write, and does not keep our process alive while nothing is asked.
 */
export function objectReader(directory: string): ObjectReader {
  let child: ChildProcess | undefined;
  let requests: Request[] = [];

  const start = (): ChildProcess => {
    const started = startGit(directory, ["cat-file", "--batch"]);
    let stderr = "";
    const parse = batchParser((object) => {
      requests.shift()?.resolve(object);
      if (requests.length === 0) setHold(started, false);
    });
    const end = (error: Error): void => {
      if (child !== started) return;
      child = undefined;
      const lost = requests;
      requests = [];
      for (const request of lost) request.reject(error);
    };
    started.stdout?.on("data", parse);
    started.stderr?.on("data", (chunk: Buffer) => {
      stderr += chunk.toString("utf8");
    });
    started.stdin?.on("error", () => undefined);
    started.on("error", (error) => end(startFailure(error)));
    started.on("close", () => end(gitFailure("read the repository", stderr)));
    return started;
  };

  return {
    read: (name) =>
      new Promise((resolve, reject) => {
        if (/\s/.test(name)) throw new Error(`Not a name of an object: ${JSON.stringify(name)}.`);
        child ??= start();
        requests.push({ resolve, reject });
        if (requests.length === 1) setHold(child, true);
        write(child, `${name}\n`);
      }),
    close: () =>
      new Promise((resolve) => {
        const open = child;
        if (!open) return resolve();
        child = undefined;
        for (const { reject } of requests) reject(new StoreUnavailable("The repository was closed."));
        requests = [];
        setHold(open, true);
        open.on("close", () => resolve());
        open.stdin?.end();
      }),
  };
}

/** Questions of the same turn go to git in one piece, not in a thousand. */
function write({ stdin }: ChildProcess, text: string): void {
  if (!stdin) return;
  if (stdin.writableCorked === 0) {
    stdin.cork();
    process.nextTick(() => stdin.uncork());
  }
  stdin.write(text);
}

/** Whether a child keeps our process alive. */
export function setHold(child: ChildProcess, hold: boolean): void {
  for (const part of [child, child.stdin, child.stdout, child.stderr]) {
    const handle = part as { ref?(): void; unref?(): void } | null;
    if (hold) handle?.ref?.();
    else handle?.unref?.();
  }
}

/** Splits the answers: `OID TYPE SIZE`, then the bytes and a line end; or `NAME missing`. */
function batchParser(emit: (object: GitObject | undefined) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let length = 0;
  let needed = 1;
  return (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length < needed) return;
    let rest = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    for (;;) {
      const end = rest.indexOf(10);
      if (end < 0) {
        needed = rest.length + 1;
        break;
      }
      const words = rest.toString("utf8", 0, end).split(" ");
      const size = words.length === 3 ? Number(words[2]) : Number.NaN;
      if (Number.isNaN(size)) {
        emit(undefined);
        rest = rest.subarray(end + 1);
        continue;
      }
      const after = end + 1 + size + 1;
      if (rest.length < after) {
        needed = after;
        break;
      }
      emit({ oid: checkedOid(words[0] ?? ""), type: words[1] ?? "", content: rest.subarray(end + 1, end + 1 + size) });
      rest = rest.subarray(after);
    }
    chunks = [rest];
    length = rest.length;
  };
}
