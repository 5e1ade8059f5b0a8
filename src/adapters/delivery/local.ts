import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Oid } from "../../core/brand.ts";
import type { Delivery } from "../../ports/delivery.ts";

/**
 * Delivery without GitHub: the branch that was asked for, moved in the transaction that completes the step, so that it
 * is there if and only if the journal says so. Nobody else's commits are ever overwritten (law V2).
 */
export function localDelivery(gitDirectory: string): Delivery {
  const git = async (...args: readonly string[]): Promise<string | undefined> => {
    try {
      const { stdout } = await promisify(execFile)("git", ["--git-dir", gitDirectory, ...args], { encoding: "utf8" });
      return stdout.trim();
    } catch {
      return undefined;
    }
  };
  return {
    async deliver({ run, head, branch, target }) {
      const name = branch === "" ? `perdure/work/${run}` : branch;
      const result = { branch: name, head, target };
      const summary = `branch ${name}`;
      if (branch === "") return { kind: "delivered", result, refs: [], summary };
      if ((await git("check-ref-format", "--branch", branch)) === undefined) {
        return { kind: "refused", message: `\`${branch}\` is not a name that git allows for a branch.` };
      }
      const ref = `refs/heads/${branch}`;
      const there = (await git("rev-parse", "--verify", "--quiet", ref)) as Oid | undefined;
      if (there === head) return { kind: "delivered", result, refs: [], summary };
      if (there !== undefined && (await git("merge-base", "--is-ancestor", there, head)) === undefined) {
        return {
          kind: "refused",
          message: `The branch \`${branch}\` has commits that this run does not know; nothing was overwritten. The work is on \`perdure/work/${run}\`.`,
        };
      }
      if ((await git("for-each-ref", "--format=%(worktreepath)", ref)) !== "" && there !== undefined) {
        return {
          kind: "refused",
          message: `The branch \`${branch}\` is checked out; moving it under you would look like lost work. The work is on \`perdure/work/${run}\`.`,
        };
      }
      return { kind: "delivered", result, refs: [{ name: ref, before: there ?? null, after: head }], summary };
    },
  };
}
