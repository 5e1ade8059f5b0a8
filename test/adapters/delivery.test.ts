import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { localDelivery } from "../../src/adapters/delivery/local.ts";
import type { Oid, RunId } from "../../src/core/brand.ts";

let repo = "";
const git = (...args: readonly string[]): string =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.invalid", ...args], {
    cwd: repo,
    encoding: "utf8",
  }).trim();
const commit = (text: string): Oid => {
  git("commit", "--quiet", "--allow-empty", "--message", text);
  return git("rev-parse", "HEAD") as Oid;
};
const deliver = (branch: string, head: Oid) =>
  localDelivery(join(repo, ".git")).deliver({
    key: "k",
    run: "r-1" as RunId,
    head,
    branch,
    target: "main",
    title: "t",
    body: "b",
  });

beforeEach(() => {
  repo = mkdtempSync(join(tmpdir(), "perdure-delivery-"));
  git("init", "--quiet", "--initial-branch", "main");
});
afterEach(() => rmSync(repo, { recursive: true, force: true }));

describe("delivery to a local branch", () => {
  test("is the run's own branch when nobody asked for another", async () => {
    expect(await deliver("", commit("one"))).toMatchObject({
      kind: "delivered",
      refs: [],
      summary: "branch perdure/work/r-1",
    });
  });
  test("makes the branch in the transaction, and V1 changes nothing the second time", async () => {
    const head = commit("one");
    expect(await deliver("feature/x", head)).toMatchObject({
      kind: "delivered",
      refs: [{ name: "refs/heads/feature/x", before: null, after: head }],
    });
    git("branch", "feature/x");
    expect(await deliver("feature/x", head)).toMatchObject({ kind: "delivered", refs: [] });
  });
  test("moves a branch forward that the work grew from", async () => {
    const before = commit("one");
    git("branch", "feature/x");
    const head = commit("two");
    expect(await deliver("feature/x", head)).toMatchObject({ kind: "delivered", refs: [{ before, after: head }] });
  });
  test("V2 refuses a branch with commits of others, and one that is checked out", async () => {
    const head = commit("one");
    git("checkout", "--quiet", "-b", "feature/x");
    commit("theirs");
    git("checkout", "--quiet", "main");
    expect(await deliver("feature/x", head)).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("commits that this run does not know"),
    });
    const later = commit("two");
    git("checkout", "--quiet", "-b", "here", "HEAD~1");
    expect(await deliver("here", later)).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("checked out"),
    });
  });
  test("refuses what is no name of a branch", async () => {
    expect(await deliver("-x..y", commit("one"))).toMatchObject({ kind: "refused" });
  });
});
