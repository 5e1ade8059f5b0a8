import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Oid, oidOf, type RunId } from "../../core/brand.ts";
import type { CommitMessage, Saved, Tree } from "../../ports/workspace.ts";
import { entries, type Git, type GitCommandOptions, lines, oidIn, said } from "./git-commands.ts";
import { outside } from "./outside.ts";
import type { Place } from "./place.ts";
import { environmentOf, everything, snapshot } from "./save.ts";

export interface TreeParts {
  readonly git: Git;
  readonly run: RunId;
  readonly place: Place;
  /** The user's own checkout. */
  readonly checkout: string;
}

export interface GitTree extends Tree {
  /** Makes the tree equal `head`, with the work of `checkpoint` over it, and keeps what nobody else has kept. */
  restore(head: Oid, checkpoint: Oid | undefined): Promise<void>;
}

const identity = {
  GIT_AUTHOR_NAME: "Perdure",
  GIT_AUTHOR_EMAIL: "perdure@users.noreply.invalid",
  GIT_COMMITTER_NAME: "Perdure",
  GIT_COMMITTER_EMAIL: "perdure@users.noreply.invalid",
};

/** One work tree, at work. */
export function gitTree({ git, run, place, checkout }: TreeParts): GitTree {
  const { directory, admin } = place;
  const options: GitCommandOptions = { directory, environment: environmentOf(place) };
  const here = (...args: readonly string[]): Promise<string> => said(git, args, options);

  const commitTree = async (tree: Oid, parent: Oid, message: CommitMessage): Promise<Oid> => {
    const date = `${Math.floor(message.at / 1000)} +0000`;
    const environment = { ...options.environment, ...identity, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    const input = `${message.subject}\n${message.body === "" ? "" : `\n${message.body}\n`}`;
    const args = ["-c", "i18n.commitEncoding=UTF-8", "commit-tree", tree, "-p", parent, "-F", "-"];
    return oidIn(await said(git, args, { ...options, environment, input }));
  };

  const save = async (message: CommitMessage, head: Oid): Promise<Saved | undefined> => {
    const { tree, files, nested } = await snapshot(git, place, head);
    if (files.length === 0) return undefined;
    const squashed = await ownCommits(git, place, head, options);
    const left = nested.length === 0 ? "" : `Left out, being repositories of their own: ${nested.join(", ")}`;
    const body = [squashed.map((subject) => `- ${subject}`).join("\n"), left, message.body]
      .filter((part) => part !== "")
      .join("\n\n");
    return { commit: await commitTree(tree, head, { ...message, body }), files, squashed };
  };

  /** Makes HEAD a bare commit. An agent may have checked out a branch, and that branch is not ours to move. */
  const detach = async (commit: Oid): Promise<void> => {
    for (const name of unfinished) rmSync(join(admin, name), { recursive: true, force: true });
    await here("update-ref", "--no-deref", "HEAD", commit);
  };

  const reset = async (head: Oid): Promise<void> => {
    await detach(head);
    await here("reset", "--quiet", "--hard", head);
    // One `f`: repositories inside the tree are in no commit, so nobody has a copy of what they hold.
    await here("clean", "-fdq", "-e", "/.perdure");
  };

  /** The tree's own head, and whether anything differs from it. */
  const look = async (): Promise<{ readonly at: Oid; readonly dirty: boolean } | undefined> => {
    const status = await git(
      ["status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=normal", "--", ...everything],
      options,
    );
    const parts = entries(status.stdout);
    const at = oidOf(parts.find((part) => part.startsWith("# branch.oid "))?.slice(13) ?? "");
    return status.code === 0 && at ? { at, dirty: parts.some((part) => !part.startsWith("# ")) } : undefined;
  };

  /** Keeps on a branch what is in the tree and in no commit that anybody has (law J9). */
  const rescue = async (at: Oid, known: readonly Oid[]): Promise<void> => {
    const [when = "0"] = lines(await here("show", "--no-patch", "--format=%ct", at));
    const saved = await save(
      { subject: `rescue ${run}`, body: "What was in the work tree and nowhere else.", at: Number(when) * 1000 },
      at,
    );
    const commit = saved?.commit ?? at;
    const [tree, ...trees] = lines(await here("rev-parse", ...[commit, ...known].map((oid) => `${oid}^{tree}`)));
    if (tree !== undefined && trees.includes(tree)) return;
    if (!saved && (await isIn(git, at, known, options))) return;
    const folder = `refs/heads/perdure/rescue/${run}/`;
    const kept = lines(await here("for-each-ref", "--format=%(tree) %(refname)", folder)).map((line) =>
      line.split(" "),
    );
    if (kept.some(([keptTree]) => keptTree === tree)) return;
    const last = Math.max(0, ...kept.map(([, name]) => Number(name?.slice(folder.length))).filter(Number.isInteger));
    await here("update-ref", `${folder}${last + 1}`, commit, "");
  };

  return {
    directory,
    save,
    reset,
    async settle(commit) {
      await detach(commit);
      await here("reset", "--quiet", "--mixed", commit);
    },
    async changed(head) {
      const tracked = here("diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", head, "--", ...everything);
      const fresh = here("ls-files", "--others", "--exclude-standard", "-z", "--", ...everything);
      const all = [...entries(await tracked), ...entries(await fresh)];
      return [...new Set(all.filter((path) => !path.endsWith("/")))].sort();
    },
    outside: () => outside(git, checkout),
    async restore(head, checkpoint) {
      // Whoever worked here is dead: a lock of theirs would only be in the way.
      for (const name of ["index.lock", "HEAD.lock"]) rmSync(join(admin, name), { force: true });
      const over = checkpoint === head ? undefined : checkpoint;
      const found = (await look()) ?? (await afresh(head));
      if (found.at === head && !found.dirty && !over) return;
      await rescue(found.at, over ? [head, over] : [head]);
      await reset(head);
      if (!over) return;
      await here("read-tree", "--reset", "-u", over);
      await here("reset", "--quiet", "--mixed", head);
    },
  };

  /** With a new index, and if need be a new head, in the place of those that git cannot read. */
  async function afresh(head: Oid): Promise<{ readonly at: Oid; readonly dirty: boolean }> {
    rmSync(join(admin, "index"), { force: true });
    const known = await git(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], options);
    if (known.code !== 0) writeFileSync(join(admin, "HEAD"), `${head}\n`);
    await here("read-tree", "HEAD");
    const found = await look();
    if (!found) throw new Error("A work tree that git cannot read.");
    return found;
  }
}

/** What a merge, a rebase or the like leaves while it waits for its end. */
const unfinished = [
  "rebase-merge",
  "rebase-apply",
  "sequencer",
  "MERGE_HEAD",
  "CHERRY_PICK_HEAD",
  "REVERT_HEAD",
  "AUTO_MERGE",
];

/** Subjects of the commits that somebody made in the tree, the oldest first. */
async function ownCommits(git: Git, place: Place, head: Oid, options: GitCommandOptions): Promise<readonly string[]> {
  const own = join(place.admin, "HEAD");
  if (existsSync(own) && readFileSync(own, "utf8").trim() === head) return [];
  const log = await git(["log", "--reverse", "--max-count=100", "-z", "--format=%s", `${head}..HEAD`], options);
  return log.code === 0 ? entries(log.stdout) : [];
}

/** Whether a commit is part of the history of one of these. */
async function isIn(git: Git, commit: Oid, known: readonly Oid[], options: GitCommandOptions): Promise<boolean> {
  const answers = await Promise.all(known.map((oid) => git(["merge-base", "--is-ancestor", commit, oid], options)));
  return answers.some(({ code }) => code === 0);
}
