import type { Oid, RunId } from "../core/brand.ts";

/**
 * The work tree of a run: a folder of its own, at a commit, in which steps work. The user's checkout, index and
 * branches are never touched.
 *
 * K1 `open` gives a tree that equals `head`, with the uncommitted work of `checkpoint` laid over it; what lay there
 *    before is gone only after it is reachable from neither (ignored files, such as installed packages, may stay).
 * K2 `save` writes the work as a commit with parent `head` and changes no ref and no index that anybody else sees.
 *    The same tree, parent, time and message give the same commit.
 * K3 `save` gives undefined when nothing differs from `head`.
 * K4 Nothing of `.perdure/` is ever part of a commit.
 */
export interface Workspace {
  open(run: RunId, head: Oid, checkpoint?: Oid): Promise<Tree>;
  /** Removes the folder. Commits stay. */
  close(run: RunId): Promise<void>;
  /** What the repository is at: the commit a new run begins at, or the problem why it cannot. */
  base(ref?: string): Promise<Base>;
}

export interface Base {
  readonly commit: Oid;
  /** Short branch name, or empty when the head is detached. */
  readonly branch: string;
  /** Paths with uncommitted changes; they are not part of a run. */
  readonly dirty: readonly string[];
}

export interface Tree {
  /** Absolute; for processes only, never written into a journal (law J8). */
  readonly directory: string;
  save(message: CommitMessage, head: Oid): Promise<Saved | undefined>;
  /** Makes the tree's own HEAD and index agree with a commit that `save` gave, so that tools in it show the truth. */
  settle(commit: Oid): Promise<void>;
  /** Throws away every change since `head`, ignored files excepted. */
  reset(head: Oid): Promise<void>;
  /** Files that differ from `head`, untracked ones included. */
  changed(head: Oid): Promise<readonly string[]>;
  /** A fingerprint of what must not change while an agent works: the user's checkout and the other refs. */
  outside(): Promise<Outside>;
}

export interface CommitMessage {
  readonly subject: string;
  readonly body: string;
  /** Milliseconds; part of the commit, so that a repeated save gives the same one. */
  readonly at: number;
}

export interface Saved {
  readonly commit: Oid;
  readonly files: readonly string[];
  /** Subjects of commits that somebody made in the tree itself; their content is in this commit. */
  readonly squashed: readonly string[];
}

export interface Outside {
  /** Path or ref to what it is at. Two of them are compared to say what an agent touched. */
  readonly entries: Readonly<Record<string, string>>;
}
