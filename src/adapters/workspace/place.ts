import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Oid } from "../../core/brand.ts";
import { type Git, said } from "./git-commands.ts";

/** A work tree on the disk: its folder, and the folder in which git keeps its head and index. */
export interface Place {
  readonly directory: string;
  readonly admin: string;
}

/**
 * The work tree in a folder, when folder and registration point at each other and it was made to the end. A killed
 * process may have left half of one, a person may have deleted the folder, an agent may have run `git init` in it.
 */
export function findPlace(common: string, directory: string): Place | undefined {
  const [, link] = /^gitdir: (.+)$/m.exec(textOf(join(directory, ".git")) ?? "") ?? [];
  if (link === undefined) return undefined;
  const admin = resolve(directory, link);
  const isOurs = registrations(common, directory).includes(admin);
  return isOurs && !isHalfMade(admin) && !isBroken(admin) ? { directory, admin } : undefined;
}

/** A work tree at a commit, instead of whatever is in the folder. */
export async function makePlace(git: Git, common: string, directory: string, head: Oid): Promise<Place> {
  const rest = vacate(common, directory);
  // Absolute links, because folder and repository move apart from each other.
  const settings = ["-c", "worktree.useRelativePaths=false"];
  await said(git, [...settings, "worktree", "add", "--quiet", "--force", "--force", "--detach", directory, head]);
  if (rest !== undefined) discard(common, rest);
  const place = findPlace(common, directory);
  if (!place) throw new Error("Git made a work tree and does not know it.");
  return place;
}

/**
 * Removes folder and registration, and those of nobody else: `git worktree prune` would also forget trees of the user's
 * whose disk is not mounted today.
 */
export function removePlace(common: string, directory: string): void {
  for (const aside of setAside(directory)) discard(common, aside);
  for (const path of [directory, ...registrations(common, directory)]) rmSync(path, patiently);
}

/**
 * Frees the folder by moving it aside, with its registration: it may hold somebody's work, which stays there until the
 * run is closed. Gives the new path when it holds none, being the rest of a half-made tree. That goes only after the new
 * tree is made: a git that outlived whoever started it may still be writing, and so it keeps folder and name to itself.
 */
function vacate(common: string, directory: string): string | undefined {
  const admins = registrations(common, directory);
  if (!existsSync(directory)) {
    for (const admin of admins) rmSync(admin, patiently);
    return undefined;
  }
  const contents = namesIn(directory).filter((name) => name !== ".git" && name !== ".perdure");
  const aside = nextAside(directory);
  renameSync(directory, aside);
  for (const admin of admins) {
    if (isBroken(admin)) rmSync(admin, patiently);
    else writeFileSync(join(admin, "gitdir"), `${join(aside, ".git")}\n`);
  }
  return contents.length === 0 || admins.some(isHalfMade) ? aside : undefined;
}

/** What cannot be deleted now is deleted when the run is closed, or is in nobody's way. */
function discard(common: string, directory: string): void {
  try {
    for (const path of [...registrations(common, directory), directory]) rmSync(path, patiently);
  } catch {
    // Somebody is still writing in it.
  }
}

const patiently = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };

/** Git marks a tree with a lock of this text while it makes it. */
const isHalfMade = (admin: string): boolean => textOf(join(admin, "locked"))?.trim() === "initializing";

function setAside(directory: string): readonly string[] {
  const prefix = `${directory}.left-`;
  return namesIn(dirname(directory))
    .map((name) => join(dirname(directory), name))
    .filter((path) => path.startsWith(prefix) && /^\d+$/.test(path.slice(prefix.length)));
}

function nextAside(directory: string): string {
  const numbers = setAside(directory).map((path) => Number(path.slice(path.lastIndexOf("-") + 1)));
  return `${directory}.left-${Math.max(0, ...numbers) + 1}`;
}

/** A registration without this file makes every `git worktree` of the repository fail, the user's own included. */
const isBroken = (admin: string): boolean => !textOf(join(admin, "commondir"))?.trim();

/** Every registration of the folder; those that a killed git had only just begun are known by their names alone. */
function registrations(common: string, directory: string): readonly string[] {
  const folder = join(common, "worktrees");
  return namesIn(folder)
    .map((name) => join(folder, name))
    .filter((admin) => {
      const link = textOf(join(admin, "gitdir"))?.trim();
      return link ? resolve(admin, link) === join(directory, ".git") : isNamedAfter(admin, directory);
    });
}

const isNamedAfter = (admin: string, directory: string): boolean =>
  basename(admin).startsWith(basename(directory)) && /^\d*$/.test(basename(admin).slice(basename(directory).length));

/**
 * `.perdure/` is where agents and engine exchange files: nobody's code (law K4), and the folder says so to every git.
 * An agent can put anything in its place, so neither the folder nor the file in it may be a link to elsewhere.
 */
export function hideExchange(directory: string): void {
  const folder = join(directory, ".perdure");
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(folder);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, ".gitignore");
  if (lstatSync(file, { throwIfNoEntry: false })?.isFile() && textOf(file) === "*\n") return;
  rmSync(file, { recursive: true, force: true });
  writeFileSync(file, "*\n", { flag: "wx" });
}

/** The folder that work trees are made in, without links on the way: git writes it down in that form. */
export function realFolder(path: string): string {
  mkdirSync(path, { recursive: true });
  return realpathSync(path);
}

const namesIn = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
