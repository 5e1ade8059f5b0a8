import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Oid, oidOf, type RunId } from "../../core/brand.ts";
import { ProblemError, problem } from "../../core/problem.ts";
import type { Base, Workspace } from "../../ports/workspace.ts";
import { type Git, lines, said } from "./git-commands.ts";
import { gitTree } from "./tree.ts";

export interface GitWorkspaceParts {
  readonly git: Git;
  /** The user's repository, absolute; only ever looked at. */
  readonly directory: string;
  /** Where the work trees are made, absolute. */
  readonly home: string;
}

/** Work trees of a repository, one a run, each with a head of its own that no branch follows. */
export function gitWorkspace({ git, directory, home }: GitWorkspaceParts): Workspace {
  const folderOf = (run: RunId): string => join(home, run);
  return {
    async open(run, head, checkpoint) {
      const folder = folderOf(run);
      const tree = gitTree({ git, run, folder, checkout: directory });
      if (await isUsable(git, folder)) await tree.rescue(checkpoint ?? head);
      else await make(git, folder, head);
      await said(git, ["reset", "--quiet", "--hard", head], folder);
      await said(git, ["clean", "-ffdq", "-e", "/.perdure"], folder);
      if (checkpoint !== undefined && checkpoint !== head) {
        await said(git, ["read-tree", "--reset", "-u", checkpoint], folder);
        await said(git, ["reset", "--quiet", "--mixed", head], folder);
      }
      await mkdir(join(folder, ".perdure"), { recursive: true });
      // What agents and engine exchange there is nobody's code (law K4); the folder says so to every git command.
      await writeFile(join(folder, ".perdure", ".gitignore"), "*\n");
      return tree;
    },
    async close(run) {
      await git(["worktree", "remove", "--force", "--force", folderOf(run)]);
      await rm(folderOf(run), { recursive: true, force: true });
      await git(["worktree", "prune"]);
    },
    base: (ref) => base(git, directory, ref),
  };
}

/** A folder counts only when git knows it as the top of a work tree: a killed process may have left half of one. */
async function isUsable(git: Git, folder: string): Promise<boolean> {
  if (!existsSync(join(folder, ".git"))) return false;
  const top = await git(["rev-parse", "--show-toplevel", "--verify", "HEAD"], { directory: folder });
  return top.code === 0;
}

async function make(git: Git, folder: string, head: Oid): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await git(["worktree", "prune"]);
  await mkdir(join(folder, ".."), { recursive: true });
  // Twice: a registration that a killed process left locked is overruled too.
  await said(git, ["worktree", "add", "--quiet", "--force", "--force", "--detach", folder, head]);
}

async function base(git: Git, directory: string, ref: string | undefined): Promise<Base> {
  const asked = await git(["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref ?? "HEAD"}^{commit}`]);
  const commit = oidOf(lines(asked.stdout)[0] ?? "");
  if (!commit) {
    if (ref !== undefined)
      throw new ProblemError(
        problem("unknown-ref", `\`${ref}\` is no commit of this repository.`, {
          received: ref,
          fix: "git log --oneline",
        }),
      );
    throw new ProblemError(
      problem("no-commits", "This repository has no commits yet, and a run must begin at one.", {
        fix: 'git commit --allow-empty -m "Begin"',
      }),
    );
  }
  const branch = await git(["symbolic-ref", "--quiet", "--short", "HEAD"]);
  const status = await git(["status", "--porcelain=v1", "-z", "--no-renames"], { directory });
  const dirty = status.stdout
    .toString("utf8")
    .split("\0")
    .flatMap((entry) => (entry.length > 3 ? [entry.slice(3)] : []));
  return {
    commit,
    branch: ref === undefined ? (lines(branch.stdout)[0] ?? "") : "",
    dirty: dirty.filter((path) => !path.startsWith(".perdure/")),
  };
}
