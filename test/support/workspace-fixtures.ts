import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openRepository } from "../../src/adapters/store/git/repository.ts";
import { gitWorkspace } from "../../src/adapters/workspace/git.ts";
import type { Oid } from "../../src/core/brand.ts";
import type { CommitMessage, Saved, Tree, Workspace } from "../../src/ports/workspace.ts";
import { aFolder, anOid, aRun, git } from "./store-fixtures.ts";

export const run = aRun();
export const at = Date.UTC(2026, 10, 20, 21, 30);
export const message = (subject = "execute"): CommitMessage => ({ subject, body: `Perdure-Run: ${run}`, at });

/** A repository with a commit, and work trees of it. */
export interface WorkspaceFixture {
  readonly repository: string;
  readonly home: string;
  readonly workspace: Workspace;
  readonly head: Oid;
  /** The tree of the run, at the head unless another commit is named. */
  open(checkpoint?: Oid, from?: Oid): Promise<Tree>;
  /** What is in the tree as a commit; there is something. */
  saved(tree: Tree, from?: Oid): Promise<Saved>;
  show(commit: Oid, path: string): string;
  names(commit: Oid): readonly string[];
  remove(): void;
}

export const put = (folder: string, files: Readonly<Record<string, string>>): void => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
};

export const commitAll = (folder: string, subject: string): Oid => {
  git(folder, ["add", "-A"]);
  git(folder, ["commit", "-q", "-m", subject]);
  return anOid(git(folder, ["rev-parse", "HEAD"]));
};

export const begin = {
  "README.md": "# Hello\n",
  "src/main.ts": "export const one = 1;\n",
  "src/old.ts": "export const old = 0;\n",
  ".gitignore": "node_modules/\n*.log\n",
};

export async function aWorkspace(kind: "plain" | "bare" | "sha256" = "plain"): Promise<WorkspaceFixture> {
  const folder = aFolder();
  const source = join(folder.path, "source");
  git("/tmp", ["init", "-q", ...(kind === "sha256" ? ["--object-format=sha256"] : []), source]);
  put(source, begin);
  const head = commitAll(source, "Begin");
  const repository = kind === "bare" ? join(folder.path, "bare.git") : source;
  if (kind === "bare") git(folder.path, ["clone", "-q", "--bare", source, repository]);
  const home = join(folder.path, "trees");
  const opened = await openRepository(repository);
  const workspace = gitWorkspace({ git: opened.git, directory: repository, home });
  const show = (...args: readonly string[]): string => git(repository, args);
  return {
    repository,
    home,
    head,
    workspace,
    remove: folder.remove,
    open: (checkpoint, from = head) => workspace.open(run, from, checkpoint),
    async saved(tree, from = head) {
      const result = await tree.save(message(), from);
      if (!result) throw new Error("There is something to save.");
      return result;
    },
    show: (commit, path) => show("show", `${commit}:${path}`),
    names: (commit) =>
      show("ls-tree", "-r", "-z", "--name-only", commit)
        .split("\0")
        .filter((name) => name !== ""),
  };
}

export const inTree = (tree: Tree, path: string): string => readFileSync(join(tree.directory, path), "utf8");
