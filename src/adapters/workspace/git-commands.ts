import { StoreFull, StoreUnavailable } from "../../ports/store.ts";

/** One git command; settles with whatever git said. */
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

/** What git printed, or the reason why it did not do what it was told. */
export async function said(
  git: Git,
  args: readonly string[],
  directory?: string,
  environment?: Readonly<Record<string, string>>,
): Promise<string> {
  const { code, stdout, stderr } = await git(args, {
    ...(directory !== undefined && { directory }),
    ...(environment && { environment }),
  });
  if (code === 0) return stdout.toString("utf8");
  const message = `git ${args[0]} in a work tree: ${stderr.trim().split("\n").at(-1) ?? ""}`;
  throw /No space left|Disk quota|File too large/i.test(stderr)
    ? new StoreFull(message)
    : new StoreUnavailable(message);
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
