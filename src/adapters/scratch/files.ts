import { constants } from "node:fs";
import { lstat, mkdir, open, readdir, rm } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize, sep } from "node:path";
import type { Scratch } from "../../ports/scratch.ts";

const largest = 1_048_576;

/** Files in a work tree, opened so that no link an agent may have left leads out of it (laws S1, S2). */
export const fileScratch = (): Scratch => ({
  async put(directory, path, content) {
    const file = await inside(directory, path);
    await mkdir(dirname(file), { recursive: true });
    await rm(file, { force: true, recursive: true });
    const handle = await open(
      file,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o644,
    );
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close();
    }
  },
  async get(directory, path) {
    try {
      const handle = await open(
        await inside(directory, path),
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      );
      try {
        const stat = await handle.stat();
        return stat.isFile() && stat.size <= largest ? await handle.readFile("utf8") : undefined;
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  },
  async list(directory, folder) {
    try {
      const entries = await readdir(await inside(directory, folder), { withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name)
        .sort();
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  },
  async clear(directory, folder) {
    const path = await inside(directory, folder);
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true });
  },
});

/** The path within the directory; a link anywhere on the way, or a way out, counts as not there. */
async function inside(directory: string, path: string): Promise<string> {
  const clean = normalize(path);
  if (isAbsolute(clean) || clean.split(sep).includes("..")) throw new OutsideError(path);
  const parts = clean.split(sep);
  for (let depth = 1; depth < parts.length; depth += 1) {
    const folder = join(directory, ...parts.slice(0, depth));
    const stat = await lstat(folder).catch(() => undefined);
    if (stat?.isSymbolicLink()) await rm(folder, { force: true });
  }
  return join(directory, clean);
}

class OutsideError extends Error {
  override readonly name = "OutsideError";
  constructor(path: string) {
    super(`\`${path}\` leads out of the work tree.`);
  }
}

const isAbsent = (error: unknown): boolean =>
  ["ENOENT", "ELOOP", "ENOTDIR", "ENXIO", "EISDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
