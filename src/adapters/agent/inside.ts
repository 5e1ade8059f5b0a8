import { lstat, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";

/**
 * The absolute path of `path` in `directory`, or undefined when it would lie outside: by `..`, by being absolute, or
 * through a symbolic link. Git's own folder counts as outside: what lies there is run by git, not read by people.
 */
export async function inside(directory: string, path: string): Promise<string | undefined> {
  if (path === "" || path.includes("\0") || isAbsolute(path)) return undefined;
  const root = await realpath(directory);
  const target = join(root, path);
  const [first] = relative(root, target).split(sep);
  if (first === "" || first === ".." || first?.toLowerCase() === ".git") return undefined;
  return (await isReached(root, target)) ? target : undefined;
}

/** The same for a file that must lie in a folder of the directory, such as a document in the output folder. */
export async function insideFolder(directory: string, folder: string, file: string): Promise<string | undefined> {
  const path = join(folder, file);
  return path.startsWith(`${join(folder)}${sep}`) ? inside(directory, path) : undefined;
}

/** Whether the parts of `target` that exist are really in `root`, each of them. */
async function isReached(root: string, target: string): Promise<boolean> {
  for (let at = target; at !== root; at = dirname(at)) {
    const found = await lstat(at).catch(() => undefined);
    // A link that points within the tree is refused too: it is no file of its own, and editing through it surprises.
    if (found?.isSymbolicLink()) return false;
  }
  return true;
}
