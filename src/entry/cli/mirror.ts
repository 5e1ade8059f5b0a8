import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { RunId } from "../../core/brand.ts";
import type { Place } from "./place.ts";

/** How often the files of a running run are written beside the user's own, milliseconds. */
const atMostEvery = 1_000;
const last = new Map<RunId, number>();
/** What is worth having while a run works; the rest is written when it rests. */
const lively = ["state.json", "progress.json"];

/**
 * Mirrors the files of a run to `.perdure/WORKFLOW/`, so that `watch` and `jq` work on them (design: files of a run).
 * The folder ignores itself, so that it never shows up in anybody's `git status`. A bare repository has no such place.
 */
export async function mirror(place: Place, run: RunId, { everything = false } = {}): Promise<void> {
  const now = place.clock.now();
  if (place.repository.common === place.directory || (!everything && now - (last.get(run) ?? 0) < atMostEvery)) return;
  last.set(run, now);
  try {
    const paths = everything
      ? (await place.store.files(run)).filter((path) => !/^(?:journal|sessions)\//.test(path))
      : lively;
    const files = await Promise.all(paths.map(async (path) => [path, await place.store.read(run, path)] as const));
    const state = JSON.parse(new TextDecoder().decode(files.find(([path]) => path === "state.json")?.[1])) as {
      readonly workflow: string;
    };
    const folder = join(place.directory, ".perdure", state.workflow);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(place.directory, ".perdure", ".gitignore"), "*\n");
    for (const [path, content] of files) if (content) write(join(folder, path), content);
  } catch {
    // A copy for convenience: the branch has everything, and a full disk will be said by whoever writes there.
  }
}

/** Whole or not at all, so that a reader never sees half a file. */
function write(file: string, content: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.part`, content);
  renameSync(`${file}.part`, file);
}
