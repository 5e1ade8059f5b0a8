import { type Oid, oidOf, type RunId, runIdOf } from "../../../core/brand.ts";
import { type RefChange, type Store, StoreConflict, StoreUnavailable } from "../../../ports/store.ts";
import type { GitStore } from "./local.ts";
import { type GitResult, gitFailure, saidBy } from "./process.ts";
import { refsOf } from "./refs.ts";
import type { Repository } from "./repository.ts";
import { allBranches, branchOf, runCommits, runPartOf } from "./run-branch.ts";
import { writeAheadIn } from "./write-ahead.ts";

export interface RemoteOptions {
  /** A remote's name or its address, as git takes it. */
  readonly remote: string;
  /** Pushes of the same bytes before an outcome that stays unknown is given up. */
  readonly tries?: number;
  /** A number in [0, 1): spreads the retries of many workers. */
  readonly random?: () => number;
  readonly wait?: (ms: number) => Promise<void>;
}

const timeoutMs = 120_000;
const recentMs = 1_000;

/**
 * Runs as branches of a remote repository. Objects are written here and pushed; `--atomic` with a lease on every ref is
 * the compare-and-swap. A push whose answer is lost says nothing about its outcome: the remote is read again, and the
 * same bytes are pushed again while its branch has not moved (law J4).
 */
export function remoteStore(repository: Repository, options: RemoteOptions): GitStore {
  const { remote, tries = 8, random = Math.random, wait = sleep } = options;
  const commits = runCommits(repository);
  const refs = refsOf(repository);

  const listed = async (pattern: string): Promise<ReadonlyMap<string, Oid>> => {
    const result = await repository.git(["ls-remote", "--quiet", "--refs", "--", remote, pattern], { timeoutMs });
    if (result.code !== 0) throw unreachableRemote(result);
    const lines = result.stdout
      .toString("utf8")
      .split("\n")
      .map((line) => line.split("\t"));
    return new Map(lines.flatMap(([oid = "", name = ""]) => (oidOf(oid) ? [[name, oid as Oid] as const] : [])));
  };

  /** Brings branches here, under names of their own: the objects are kept, and nobody's branches move. */
  const fetch = async (names: readonly string[]): Promise<void> => {
    const specs = names.map((name) => `+${name}:${mirrorOf(name)}`);
    const quiet = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--refmap="];
    const result = await repository.git(["fetch", ...quiet, "--", remote, ...specs], { timeoutMs });
    if (result.code !== 0) throw unreachableRemote(result);
  };

  /** Where heads were at the last look. Files are read many at a time, and each of them would be a round trip. */
  const looks = new Map<RunId, { readonly head: Oid | undefined; readonly at: number }>();
  const seen = <T extends Oid | undefined>(run: RunId, head: T): T => {
    looks.set(run, { head, at: performance.now() });
    return head;
  };
  const lookUp = async (run: RunId): Promise<Oid | undefined> =>
    seen(run, (await listed(branchOf(run))).get(branchOf(run)));

  const fetched = async (run: RunId, at: Oid | undefined): Promise<Oid | undefined> => {
    if (at && !(await repository.read(at))) await fetch([branchOf(run)]);
    return at;
  };
  /** The head of a run's branch, with its objects here; as it was a moment ago, at the oldest. */
  const recentHead = async (run: RunId): Promise<Oid | undefined> => {
    const look = looks.get(run);
    return fetched(run, look && performance.now() - look.at < recentMs ? look.head : await lookUp(run));
  };

  const load: Store["load"] = async (run) => {
    const all = await listed(`refs/heads/perdure/*/${run}*`);
    const at = seen(run, all.get(branchOf(run)));
    if (!at) return undefined;
    // On a fresh machine the work is not here either, and whoever loads a run is going to need it.
    const own = [...all].filter(([name]) => belongsTo(name, run));
    const missing = await Promise.all(own.map(async ([name, oid]) => ((await repository.read(oid)) ? [] : [name])));
    if (missing.flat().length > 0) await fetch(missing.flat());
    return commits.load(run, at);
  };

  /** Whether our commit is at or below the remote's head. */
  const landed = async (run: RunId, commit: Oid): Promise<boolean> => {
    const at = await fetched(run, await lookUp(run));
    return at !== undefined && commits.includes(at, commit);
  };

  const push = async (run: RunId, changes: readonly RefChange[], commit: Oid): Promise<void> => {
    const [own] = changes;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await pushOnce(repository, remote, changes);
      if (outcome.kind === "done") return;
      try {
        if (await landed(run, commit)) return;
        if (outcome.kind === "conflict")
          throw new StoreConflict(`${branchOf(run)} or a branch that moves with it has moved on the remote.`);
        if ((await lookUp(run)) !== (own?.before ?? undefined))
          throw new StoreConflict(`${branchOf(run)} has moved on the remote.`);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        if (outcome.kind === "conflict" || attempt >= tries) throw error;
      }
      if (outcome.kind === "refused" || attempt >= tries)
        throw new StoreUnavailable(`The remote did not take the push: ${outcome.said}`);
      await wait(random() * Math.min(10_000, 200 * 2 ** attempt));
    }
  };

  return {
    label: "git (remote)",
    // GitHub asks for at most six pushes a minute to one repository.
    groupMs: 10_000,
    load,
    commit: async (transaction, expected) => {
      const { run } = transaction;
      if (expected && !(await repository.read(expected.oid))) await fetched(run, await lookUp(run));
      if (expected && !(await repository.read(expected.oid)))
        throw new StoreConflict(`${branchOf(run)} has moved on the remote.`);
      const version = await commits.write(transaction, expected);
      const changes = [{ name: branchOf(run), before: expected?.oid ?? null, after: version.oid }, ...transaction.refs];
      await push(run, changes, version.oid);
      seen(run, version.oid);
      await mirror(repository, refs.update, changes);
      return version;
    },
    head: lookUp,
    read: async (run, path) => {
      const at = await recentHead(run);
      return at && commits.read(at, path);
    },
    files: async (run, prefix = "") => {
      const at = await recentHead(run);
      return at ? commits.files(at, prefix) : [];
    },
    list: async () =>
      [...(await listed(allBranches))].flatMap(([name, head]) => {
        const run = runIdOf(runPartOf(name));
        if (run) seen(run, head);
        return run ?? [];
      }),
    openWriteAhead: writeAheadIn(repository.common),
    close: refs.close,
  };
}

type Outcome = { readonly kind: "done" } | { readonly kind: "conflict" | "refused" | "unknown"; readonly said: string };

const conflict =
  /stale info|fetch first|non-fast-forward|cannot lock ref|atomic transaction failed|already exists|failed to update ref|incorrect old value/;
const refused =
  /Authentication failed|could not read (?:Username|Password)|Permission (?:to|denied)|error: 40[13]|declined|protected branch|rule violations|not allowed|does not appear to be a git repository|Repository not found/i;

async function pushOnce(repository: Repository, remote: string, changes: readonly RefChange[]): Promise<Outcome> {
  const leases = changes.map(({ name, before }) => `--force-with-lease=${name}:${before ?? ""}`);
  const specs = changes.map(({ name, after }) => `${after}:${name}`);
  const plain = ["-c", "push.followTags=false", "-c", "push.gpgSign=false", "-c", "push.useForceIfIncludes=false"];
  const flags = ["--porcelain", "--quiet", "--atomic", "--no-verify", "--recurse-submodules=no", ...leases];
  const result = await repository.git([...plain, "push", ...flags, "--", remote, ...specs], { timeoutMs });
  if (result.code === 0) return { kind: "done" };
  const text = `${result.stderr}\n${result.stdout.toString("utf8")}`;
  // Conflict first: with one ref stale and another refused, whoever decides anew may well not want either.
  const kind = conflict.test(text) ? "conflict" : refused.test(text) ? "refused" : "unknown";
  const telling = text.split("\n").filter((line) => /^(?:!|remote:|fatal:)/.test(line));
  return { kind, said: saidBy(telling.length > 0 ? telling.join("\n") : text) };
}

const mirrorOf = (name: string): string => `refs/perdure/mirror/${name.replace(/^refs\/(?:heads\/)?/, "")}`;

/** `perdure/runs/RUN`, `perdure/work/RUN`, `perdure/work/RUN--LANE`; not those of a run whose id begins with this one. */
const belongsTo = (name: string, run: RunId): boolean => {
  const part = name.split("/")[4] ?? "";
  return part === run || part.startsWith(`${run}--`);
};

/**
 * Local names for what is on the remote now, so that garbage collection keeps it and people can look at it. They decide
 * nothing, so what keeps them from moving is no failure of the commit, which has taken place.
 */
async function mirror(
  repository: Repository,
  update: (changes: readonly RefChange[]) => Promise<void>,
  changes: readonly RefChange[],
): Promise<void> {
  const moves = changes.map(async ({ name, after }) => ({
    name: mirrorOf(name),
    before: (await repository.resolve(mirrorOf(name))) ?? null,
    after,
  }));
  await update(await Promise.all(moves)).catch(() => undefined);
}

const unreachableRemote = ({ stderr }: GitResult): Error => gitFailure("reach the remote", stderr);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
