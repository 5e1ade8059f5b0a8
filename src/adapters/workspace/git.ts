import { realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Oid, oidOf, type RunId } from "../../core/brand.ts";
import { ProblemError, problem } from "../../core/problem.ts";
import type { Base, Workspace } from "../../ports/workspace.ts";
import { entries, type Git, lines, said } from "./git-commands.ts";
import { findPlace, hideExchange, makePlace, type Place, realFolder, removePlace } from "./place.ts";
import { gitTree } from "./tree.ts";

export interface GitWorkspaceParts {
  /** Runs git in the user's repository, with hooks and garbage collection switched off. */
  readonly git: Git;
  /** The user's repository, absolute; only ever looked at. */
  readonly directory: string;
  /** Where the work trees are made, absolute. */
  readonly home: string;
}

/** Work trees of a repository, one a run, each with a head of its own that no branch follows. */
export function gitWorkspace({ git, directory, home }: GitWorkspaceParts): Workspace {
  let asked: Promise<string> | undefined;
  const common = (): Promise<string> => {
    asked ??= said(git, ["rev-parse", "--git-common-dir"]).then((text) =>
      realpathSync(resolve(directory, text.trim())),
    );
    return asked;
  };
  const folderOf = (run: RunId): string => join(realFolder(home), run);

  const restored = async (run: RunId, place: Place, head: Oid, checkpoint: Oid | undefined) => {
    const tree = gitTree({ git, run, place, checkout: directory });
    hideExchange(place.directory);
    await tree.restore(head, checkpoint);
    // Again: the commit may hold a folder of that name.
    hideExchange(place.directory);
    return tree;
  };

  return {
    async open(run, head, checkpoint) {
      const folder = folderOf(run);
      const found = findPlace(await common(), folder);
      const place = found ?? (await makePlace(git, await common(), folder, head));
      return restored(run, place, head, checkpoint);
    },
    async close(run) {
      removePlace(await common(), folderOf(run));
    },
    base: (ref) => base(git, directory, ref),
  };
}

async function base(git: Git, directory: string, ref: string | undefined): Promise<Base> {
  const name = ref ?? "HEAD";
  // At once: each is a process, and a run waits for all three before it begins.
  const [asked, full, status] = await Promise.all([
    git(["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`], { directory }),
    git(["rev-parse", "--symbolic-full-name", "--verify", "--quiet", "--end-of-options", name], { directory }),
    git(["status", "--porcelain=v1", "-z", "--no-renames"], { directory }),
  ]);
  const commit = oidOf(lines(asked.stdout)[0] ?? "");
  if (!commit) throw await noCommit(git, directory, ref);
  const [branch] = lines(full.stdout);
  return {
    commit,
    branch: branch?.startsWith("refs/heads/") ? branch.slice("refs/heads/".length) : "",
    // A bare repository has nothing that could be dirty, and says so by refusing.
    dirty: (status.code === 0 ? entries(status.stdout) : [])
      .map((entry) => entry.slice(3))
      .filter((path) => !path.startsWith(".perdure/")),
  };
}

async function noCommit(git: Git, directory: string, ref: string | undefined): Promise<ProblemError> {
  const repository = await git(["rev-parse", "--git-dir"], { directory });
  if (repository.code !== 0)
    return new ProblemError(problem("not-a-repository", "This is not a git repository.", { fix: "git init" }));
  if (ref !== undefined)
    return new ProblemError(
      problem("unknown-ref", `\`${ref}\` is no commit of this repository.`, {
        received: ref,
        fix: "git log --oneline",
      }),
    );
  const fix = 'git commit --allow-empty -m "Begin"';
  return new ProblemError(
    problem("no-commits", "This repository has no commits yet, and a run must begin at one.", { fix }),
  );
}
