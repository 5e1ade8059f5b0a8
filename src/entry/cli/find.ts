import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { type Config, defaultConfig } from "../../core/config.ts";
import { ProblemError, problem } from "../../core/problem.ts";
import { suggest } from "../../core/suggest.ts";
import { asset } from "../assets.ts";
import type { FindSkill, Source } from "../kit.ts";

/** Where a repository keeps definitions, the first that has one winning (design: configuration). */
const definitionFolders = [".github/perdure", ".claude/workflows", "workflows"] as const;
const endings = [".yaml", ".yml"] as const;
const shipped = ["develop"] as const;

/** A definition by name, or by the path of its file. */
export function findDefinition(repo: string, name: string): Source {
  if (/\.(?:ya?ml|md)$/.test(name) || name.includes("/")) {
    const file = resolve(repo, name);
    if (!existsSync(file))
      throw new ProblemError(
        problem("no-file", `There is no file \`${name}\`.`, {
          fix: "Give the path from the repository's root, or a name.",
        }),
      );
    return {
      text: readFileSync(file, "utf8"),
      name: relative(repo, file).startsWith("..") ? name.replace(/^.*\//, "") : relative(repo, file),
    };
  }
  for (const folder of definitionFolders) {
    for (const ending of endings) {
      const path = `${folder}/${name}${ending}`;
      if (existsSync(join(repo, path))) return { text: readFileSync(join(repo, path), "utf8"), name: path };
    }
  }
  const text = /^[a-z][a-z0-9-]*$/.test(name) ? asset(`workflows/${name}.yaml`) : undefined;
  if (text !== undefined) return { text, name: `${name}.yaml (shipped)` };
  const known = [...definitionNames(repo), ...shipped];
  const like = suggest(name, known);
  throw new ProblemError(
    problem("unknown-workflow", `There is no workflow \`${name}\`.`, {
      expected: `a file in ${definitionFolders.join(", ")}, or one that ships; here there are ${known.join(", ")}`,
      received: name,
      fix: like === undefined ? "perdure help run" : `Did you mean \`${like}\`?`,
    }),
  );
}

function definitionNames(repo: string): readonly string[] {
  return definitionFolders.flatMap((folder) =>
    existsSync(join(repo, folder))
      ? readdirSync(join(repo, folder)).flatMap((file) => {
          const ending = endings.find((known) => file.endsWith(known));
          return ending === undefined ? [] : [file.slice(0, -ending.length)];
        })
      : [],
  );
}

/** The repository's own skill, else the one that ships. */
export const findSkillIn = (repo: string): FindSkill => {
  return async (name) => {
    const path = `.github/perdure/skills/${name}.skill.yaml`;
    if (existsSync(join(repo, path))) return { text: readFileSync(join(repo, path), "utf8"), name: path };
    const text = asset(`skills/${name}.skill.yaml`);
    return text === undefined ? undefined : { text, name: `${name}.skill.yaml (shipped)` };
  };
};

export interface FoundConfig {
  readonly config: Config;
  /** The file it was read from, or undefined where there is none. */
  readonly file?: string;
}

export async function findConfig(repo: string): Promise<FoundConfig> {
  for (const file of [".github/perdure.yml", ".github/perdure.yaml"]) {
    if (!existsSync(join(repo, file))) continue;
    const { parseConfig } = await import("../../formats/config.ts");
    const config = parseConfig(readFileSync(join(repo, file), "utf8"), file);
    if (!config.ok) throw new ProblemError(...config.problems);
    return { config: config.value, file };
  }
  return { config: defaultConfig };
}
