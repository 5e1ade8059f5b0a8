import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { ProblemError, problem } from "../../../core/problem.ts";
import { StoreFull, StoreUnavailable } from "../../../ports/store.ts";

/** Runs one git command in a repository. Settles with whatever git said; it rejects only when git cannot be started. */
export type RunGit = (args: readonly string[], options?: GitOptions) => Promise<GitResult>;

export interface GitOptions {
  /** Absolute; the repository's own directory when absent. */
  readonly directory?: string;
  /** On top of the clean environment that every git gets. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** After this git is killed, and the code is -1. */
  readonly timeoutMs?: number;
}

export interface GitResult {
  /** The exit code; -1 when a signal ended it. */
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** What of `GIT_*` a person sets to reach a remote. The rest (`GIT_DIR`, `GIT_INDEX_FILE` …) would turn git elsewhere. */
const inherited = new Set([
  "GIT_SSH",
  "GIT_SSH_COMMAND",
  "GIT_SSH_VARIANT",
  "GIT_ASKPASS",
  "GIT_SSL_CAINFO",
  "GIT_SSL_CAPATH",
  "GIT_SSL_CERT",
  "GIT_SSL_KEY",
  "GIT_CONFIG_GLOBAL",
  "GIT_CONFIG_SYSTEM",
  "GIT_CONFIG_NOSYSTEM",
]);

const own = {
  // Messages of git are read here, so they must be the untranslated ones.
  LC_ALL: "C",
  // Nobody is there to type a password.
  GIT_TERMINAL_PROMPT: "0",
  // Looking at the user's checkout must not rewrite its index.
  GIT_OPTIONAL_LOCKS: "0",
};

const settings = [
  // A repository's hooks are programs that somebody else wrote; nothing of ours wants them to run.
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  // Git 2.39 as it comes syncs neither loose objects nor refs: a branch would point at nothing after a power loss.
  "core.fsync=loose-object,reference",
  // Ref locks are held for a millisecond or two: who finds one waits, and conflicts only over the value.
  "core.filesRefLockTimeout=1000",
  // `git fetch` would start garbage collection in the user's repository.
  "gc.auto=0",
  "maintenance.auto=false",
].flatMap((setting) => ["-c", setting]);

/** Starts git without a shell; standard streams are pipes. */
export function startGit(
  directory: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  // Checked here because node says ENOENT for a missing directory and for a missing program alike.
  if (!existsSync(directory))
    throw new ProblemError(problem("no-directory", "The directory of the repository does not exist."));
  return spawn("git", ["--no-replace-objects", ...settings, ...args], {
    cwd: directory,
    env: { ...clean(process.env), ...own, ...environment },
    stdio: "pipe",
    // A session of its own: Ctrl-C in a terminal must not kill git between two refs. It ends when its input does.
    detached: true,
    windowsHide: true,
  });
}

const clean = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("GIT_") || inherited.has(name)));

/** A runner for one repository. */
export const gitIn =
  (repository: string): RunGit =>
  (args, options = {}) =>
    new Promise((resolve, reject) => {
      const child = startGit(options.directory ?? repository, args, options.environment);
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
      child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
      // Git may end before it has read everything; its exit code says what there is to say.
      child.stdin?.on("error", () => undefined);
      const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => kill(child), options.timeoutMs);
      child.on("error", (error) => {
        clearTimeout(timer);
        reject(startFailure(error));
      });
      child.on("close", (code) => {
        clearTimeout(timer);
        resolve({ code: code ?? -1, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString("utf8") });
      });
      child.stdin?.end(options.input);
    });

/** The whole session: `git push` works through children of its own. */
function kill(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

export const startFailure = (error: Error): Error =>
  "code" in error && error.code === "ENOENT"
    ? new ProblemError(
        problem("no-git", "The program git was not found.", {
          fix: "Install git 2.31 or later, and see that it is in PATH.",
        }),
      )
    : new StoreUnavailable(`Git could not be started: ${error.message}`, { cause: error });

/** Git does not always pass the reason on: a write that fails with no reason given has hardly another. */
const full =
  /No space left on device|Disk quota exceeded|File too large|(?:couldn't|could not|unable to|failed to) write(?!.*(?:denied|Read-only))/i;

/** What a failed git means for the store, when it means nothing more special. Paths and credentials are taken out (law J8). */
export function gitFailure(what: string, stderr: string): StoreFull | StoreUnavailable {
  const said = saidBy(stderr);
  return full.test(stderr)
    ? new StoreFull(`No room to ${what}: ${said}`)
    : new StoreUnavailable(`Could not ${what}: ${said}`);
}

export const saidBy = (stderr: string): string =>
  stderr
    .replace(/(\w+:\/\/)[^/@\s]*@/g, "$1")
    .replace(/'\/[^']*\/([^/']+)'/g, "'$1'")
    .trim()
    .split("\n")
    .slice(-4)
    .join(" ")
    .slice(0, 600) || "git said nothing.";

/** The same for a failed file operation of our own. */
export function fileFailure(what: string, error: unknown): Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG")
    return new StoreFull(`No room to ${what} (${code}).`, { cause: error });
  return new StoreUnavailable(`Could not ${what}${code === "" ? "" : ` (${code})`}.`, { cause: error });
}
