import { copyFile, lstat, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Oid, RunId } from "../../core/brand.ts";
import type { CommitMessage, Outside, Saved, Tree } from "../../ports/workspace.ts";
import { entries, type Git, lines, said } from "./git-commands.ts";

export interface TreeParts {
  readonly git: Git;
  readonly run: RunId;
  readonly folder: string;
  /** The user's own checkout. */
  readonly checkout: string;
}

export interface GitTree extends Tree {
  /** Keeps what a killed worker left here, if it is neither of the known commits' content, on a rescue branch (law J9). */
  rescue(known: Oid): Promise<void>;
}

const identity = {
  GIT_AUTHOR_NAME: "Perdure",
  GIT_AUTHOR_EMAIL: "perdure@users.noreply.invalid",
  GIT_COMMITTER_NAME: "Perdure",
  GIT_COMMITTER_EMAIL: "perdure@users.noreply.invalid",
};

/** One work tree, at work. */
export function gitTree({ git, run, folder, checkout }: TreeParts): GitTree {
  const here = (...args: readonly string[]): Promise<string> => said(git, args, folder);

  /** The work as a tree object, through an index of our own: the one that tools in the tree see stays as it is (law K2). */
  const writeTree = async (): Promise<Oid> => {
    const scratch = await mkdtemp(join(tmpdir(), "perdure-index-"));
    const index = join(scratch, "index");
    const environment = { GIT_INDEX_FILE: index };
    try {
      const own = lines(await here("rev-parse", "--path-format=absolute", "--git-path", "index"))[0] ?? "";
      // A copy keeps what git knows about unchanged files; without one it is only slower.
      await copyFile(own, index).catch(() => undefined);
      await said(git, ["add", "--all", "--ignore-errors", "--", ".", ":(exclude,top).perdure"], folder, environment);
      return lines(await said(git, ["write-tree"], folder, environment))[0] as Oid;
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  };

  const treeOf = async (commit: Oid): Promise<string> => lines(await here("rev-parse", `${commit}^{tree}`))[0] ?? "";

  const commitTree = async (tree: Oid, parent: Oid, message: CommitMessage): Promise<Oid> => {
    const date = `${Math.floor(message.at / 1000)} +0000`;
    const environment = { ...identity, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    const text = message.body === "" ? message.subject : `${message.subject}\n\n${message.body}`;
    return lines(await said(git, ["commit-tree", tree, "-p", parent, "-m", text], folder, environment))[0] as Oid;
  };

  return {
    directory: folder,
    async save(message, head): Promise<Saved | undefined> {
      const tree = await writeTree();
      if (tree === (await treeOf(head))) return undefined;
      const squashed = lines(await here("log", "--format=%s", `${head}..HEAD`));
      const body = [...squashed.map((subject) => `- ${subject}`), message.body]
        .filter((text) => text !== "")
        .join("\n");
      const commit = await commitTree(tree, head, { ...message, body });
      const files = entries(await here("diff", "--name-only", "--no-renames", "-z", head, commit));
      return { commit, files, squashed };
    },
    async settle(commit) {
      await here("reset", "--quiet", "--mixed", commit);
    },
    async reset(head) {
      await here("reset", "--quiet", "--hard", head);
      await here("clean", "-ffdq", "-e", "/.perdure");
    },
    async changed(head) {
      const tracked = entries(
        await here("diff", "--name-only", "--no-renames", "-z", head, "--", ".", ":(exclude,top).perdure"),
      );
      const fresh = entries(
        await here("ls-files", "--others", "--exclude-standard", "-z", "--", ".", ":(exclude,top).perdure"),
      );
      return [...new Set([...tracked, ...fresh])].sort();
    },
    outside: () => outside(git, checkout),
    async rescue(known) {
      const tree = await writeTree();
      const head = lines(await here("rev-parse", "HEAD"))[0] as Oid;
      if (tree === (await treeOf(known)) || tree === (await treeOf(head))) return;
      const commit = await commitTree(tree, head, {
        subject: `rescue ${run}`,
        body: "What a killed worker had not kept yet.",
        at: Date.now(),
      });
      const kept = lines(await here("for-each-ref", "--format=%(refname)", `refs/heads/perdure/rescue/${run}/`));
      await here("update-ref", `refs/heads/perdure/rescue/${run}/${kept.length + 1}`, commit, "");
    },
  };
}

/** The user's checkout and every branch that is not ours: what an agent has no business with. */
async function outside(git: Git, checkout: string): Promise<Outside> {
  const refs = await git(["for-each-ref", "--format=%(refname) %(objectname)"]);
  const head = await git(["rev-parse", "--verify", "--quiet", "HEAD"], { directory: checkout });
  const status = await git(["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all"], {
    directory: checkout,
  });
  const others = lines(refs.stdout)
    .filter((line) => !line.startsWith("refs/heads/perdure/"))
    .map((line) => line.split(" ") as [string, string]);
  const paths = entries(status.stdout)
    .map((entry) => [entry.slice(3), entry.slice(0, 2)] as const)
    .filter(([path]) => !path.startsWith(".perdure/"));
  const dirty = await Promise.all(
    paths.map(async ([path, mark]) => {
      const stat = await lstat(join(checkout, path)).catch(() => undefined);
      return [path, `${mark} ${stat?.size ?? ""} ${stat?.mtimeMs ?? ""}`] as const;
    }),
  );
  return {
    entries: { HEAD: lines(head.stdout)[0] ?? "", ...Object.fromEntries(others), ...Object.fromEntries(dirty) },
  };
}
