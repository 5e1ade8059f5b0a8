import { randomUUID } from "node:crypto";
import { copyFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { Oid } from "../../core/brand.ts";
import { entries, failure, type Git, oidIn, said } from "./git-commands.ts";
import type { Place } from "./place.ts";

/** A work tree's content as a tree object, and how it differs from the commit it is compared with. */
export interface Snapshot {
  readonly tree: Oid;
  readonly files: readonly string[];
  /** Repositories inside the tree: git would keep a pointer to their commit and lose their files, so they stay out. */
  readonly nested: readonly string[];
}

/** Git with the head of a work tree, whatever an agent has made of the `.git` file in it. */
export const environmentOf = ({ directory, admin }: Place): Readonly<Record<string, string>> => ({
  GIT_DIR: admin,
  GIT_WORK_TREE: directory,
});

/** All but the exchange folder. */
export const everything = [".", ":(exclude,top).perdure"];

/**
 * Takes what is in the folder through an index of our own: the tree's own index, which tools in it see, stays as it is
 * (law K2). A copy of that one knows which files have not changed; without it git reads them all.
 */
export async function snapshot(git: Git, place: Place, head: Oid): Promise<Snapshot> {
  const index = join(place.admin, `perdure-index-${randomUUID()}`);
  const options = { directory: place.directory, environment: { ...environmentOf(place), GIT_INDEX_FILE: index } };
  try {
    try {
      copyIndex(join(place.admin, "index"), index);
    } catch {
      await said(git, ["read-tree", head], options);
    }
    const nested = await stage(git, options);
    let { tree, changes } = await compare(git, head, options);
    const unwanted = changes.filter(isUnwanted);
    if (unwanted.length > 0) {
      const input = unwanted.map(({ path }) => `${path}\0`).join("");
      const from = ["--pathspec-from-file=-", "--pathspec-file-nul"];
      await said(git, ["--literal-pathspecs", "restore", "--staged", `--source=${head}`, ...from], {
        ...options,
        input,
      });
      ({ tree, changes } = await compare(git, head, options));
    }
    const links = unwanted.filter(isNewLink).map(({ path }) => path);
    return { tree, files: changes.map(({ path }) => path), nested: [...new Set([...nested, ...links])].sort() };
  } finally {
    rmSync(index, { force: true });
    rmSync(`${index}.lock`, { force: true });
  }
}

/**
 * With its time, and rather an earlier one: git takes a file that has the size and time it knows for unchanged, unless
 * the index is no younger than the file. A copy from now would hide what was edited in the moment after the checkout.
 */
function copyIndex(from: string, to: string): void {
  const { mtimeMs } = statSync(from);
  copyFileSync(from, to);
  utimesSync(to, Math.floor(mtimeMs / 1000), Math.floor(mtimeMs / 1000));
}

type Options = NonNullable<Parameters<Git>[1]>;

/** Gives the repositories that had to be left out, because git does not even start with one that has no commit. */
async function stage(git: Git, options: Options): Promise<readonly string[]> {
  const add = ["add", "--all", "--", ...everything];
  const first = await git(add, options);
  if (first.code === 0) return [];
  if (!/does not have a commit checked out/.test(first.stderr)) throw failure(add, first.stderr);
  // Git does not look into repositories: it lists each as one folder, where files stand without a slash.
  const others = entries(await said(git, ["ls-files", "--others", "--exclude-standard", "-z"], options));
  const nested = others.filter((path) => path.endsWith("/")).map((path) => path.slice(0, -1));
  await said(git, [...add, ...nested.map((path) => `:(exclude,top,literal)${path}`)], options);
  return nested;
}

interface Change {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

const link = "160000";
const isNewLink = ({ before, after }: Change): boolean => after === link && before !== link;
/** An agent can stage by force what is ignored; a folder of the repository's own stays as it is at the head. */
const isUnwanted = (change: Change): boolean => change.path.split("/", 1)[0] === ".perdure" || isNewLink(change);

async function compare(
  git: Git,
  head: Oid,
  options: Options,
): Promise<{ readonly tree: Oid; readonly changes: readonly Change[] }> {
  const tree = oidIn(await said(git, ["write-tree"], options));
  const raw = entries(await said(git, ["diff-tree", "-r", "-z", "--raw", "--no-renames", head, tree], options));
  const changes = raw.flatMap((entry, index) => {
    const [, before, after] = /^:(\d{6}) (\d{6}) /.exec(entry) ?? [];
    const path = raw[index + 1];
    // Entries come in pairs, and only the first of a pair can be at an even place.
    return index % 2 === 0 && before !== undefined && after !== undefined && path !== undefined
      ? [{ path, before, after }]
      : [];
  });
  return { tree, changes };
}
