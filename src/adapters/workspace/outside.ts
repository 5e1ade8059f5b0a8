import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Outside } from "../../ports/workspace.ts";
import { entries, type Git, lines } from "./git-commands.ts";

/**
 * The user's checkout, every branch that is not ours, and what git would run or believe in this repository later: what
 * an agent has no business with. Branches of all runs are left out, because several runs may work at once, and each
 * run's own journal tells when its branches were touched.
 */
export async function outside(git: Git, checkout: string): Promise<Outside> {
  const ask = (...args: readonly string[]) => git(args, { directory: checkout });
  const [refs, head, branch, status, top, common] = await Promise.all([
    ask("for-each-ref", "--format=%(refname) %(objectname)"),
    ask("rev-parse", "--verify", "--quiet", "HEAD"),
    ask("symbolic-ref", "--quiet", "HEAD"),
    ask("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all"),
    ask("rev-parse", "--show-toplevel"),
    ask("rev-parse", "--path-format=absolute", "--git-common-dir"),
  ]);
  const found: Record<string, string> = { HEAD: [...lines(branch.stdout), ...lines(head.stdout)].join(" ") };
  for (const line of lines(refs.stdout)) {
    const [name = "", oid = ""] = line.split(" ");
    if (!isOurs(name)) found[name] = oid;
  }
  const [root] = lines(top.stdout);
  for (const entry of status.code === 0 ? entries(status.stdout) : []) {
    const path = entry.slice(3);
    if (root !== undefined && !path.startsWith(".perdure/"))
      found[path] = `${entry.slice(0, 2)} ${fingerprint(join(root, path))}`;
  }
  const [gitFolder = ""] = lines(common.stdout);
  found[".git/config"] = fingerprint(join(gitFolder, "config"));
  for (const hook of hooksIn(gitFolder)) found[`.git/hooks/${hook}`] = fingerprint(join(gitFolder, "hooks", hook));
  return { entries: found };
}

const isOurs = (ref: string): boolean => /^refs\/(?:heads\/|remotes\/[^/]+\/)?perdure\//.test(ref);

const wholeUpTo = 4 << 20;

/** Equal for equal content; a file that is too large to read each time counts as changed when it was written to. */
function fingerprint(path: string): string {
  try {
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) return `link ${readlinkSync(path)}`;
    if (!stat.isFile()) return "folder";
    if (stat.size > wholeUpTo) return `${stat.mode} ${stat.size} ${stat.mtimeMs}`;
    return `${stat.mode} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`;
  } catch {
    return "absent";
  }
}

function hooksIn(gitFolder: string): readonly string[] {
  try {
    return readdirSync(join(gitFolder, "hooks")).filter((name) => !name.endsWith(".sample"));
  } catch {
    return [];
  }
}
