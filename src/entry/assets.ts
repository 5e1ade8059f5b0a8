import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

let root: string | undefined;

/** The folder of this package, found from wherever the code was bundled to. */
export function packageFolder(): string {
  if (root !== undefined) return root;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "workflows", "develop.yaml"))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error("The files that ship with Perdure (workflows/, skills/, schemas/) are not beside it.");
    folder = parent;
  }
  root = folder;
  return folder;
}

/** A file that ships with Perdure (`skills/triage.skill.yaml`), or undefined. */
export function asset(path: string): string | undefined {
  const file = join(packageFolder(), path);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
