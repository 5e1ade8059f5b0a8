import { type Oid, oidOf } from "../../core/brand.ts";
import { StoreFull, StoreUnavailable } from "../../ports/store.ts";

/** One git command; settles with whatever git said. Whoever gives it decides about environment, hooks and settings. */
export type Git = (args: readonly string[], options?: GitCommandOptions) => Promise<GitAnswer>;

export interface GitCommandOptions {
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
}

export interface GitAnswer {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** What git printed, or the reason why it did not do what it was told; without paths of this machine (law J8). */
export async function said(git: Git, args: readonly string[], options: GitCommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await git(args, options);
  if (code === 0) return stdout.toString("utf8");
  throw failure(args, stderr);
}

export function failure(args: readonly string[], stderr: string): StoreFull | StoreUnavailable {
  const reason = stderr
    .trim()
    .split("\n")
    .slice(-2)
    .join(" ")
    .replace(/(?<![\w.])(?:\/[^\s'":/]+)+\/([^\s'":/]+)/g, "$1");
  const message = `git ${args.find((arg) => /^[a-z]+(?:-[a-z]+)*$/.test(arg)) ?? ""} in a work tree: ${reason}`;
  // Git does not always pass the reason on: a write that fails with no reason given has hardly another.
  const full =
    /No space left|Disk quota|File too large|(?:couldn't|could not|unable to|failed to) write(?!.*(?:denied|Read-only))/i;
  return full.test(stderr) ? new StoreFull(message) : new StoreUnavailable(message);
}

export const lines = (output: Buffer | string): readonly string[] =>
  output
    .toString()
    .split("\n")
    .filter((line) => line !== "");

/** The entries of a list that git ends with NUL, for names that hold anything else. */
export const entries = (output: Buffer | string): readonly string[] =>
  output
    .toString()
    .split("\0")
    .filter((entry) => entry !== "");

/** The first line as an object id. */
export function oidIn(output: Buffer | string): Oid {
  const [text = ""] = lines(output);
  const oid = oidOf(text);
  if (!oid) throw new Error(`Git gave ${JSON.stringify(text.slice(0, 80))} for an object id.`);
  return oid;
}
