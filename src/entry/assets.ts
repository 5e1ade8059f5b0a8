import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this package, found from wherever the code was bundled to. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "workflows", "develop.yaml"))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error("The files that ship with Perdure (workflows/, skills/, schemas/) are not beside it.");
    folder = parent;
  }
  return folder;
}

let root: string | undefined;

/** A file that ships with Perdure (`skills/triage.skill.yaml`), or undefined. */
export function asset(path: string): string | undefined {
  root ??= packageFolder();
  const file = join(root, path);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
