import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openRepository } from "../../src/adapters/store/git/repository.ts";
import { gitWorkspace } from "../../src/adapters/workspace/git.ts";
import { git, refsIn } from "../support/store-fixtures.ts";
import { at, aWorkspace, commitAll, inTree, put, run, type WorkspaceFixture } from "../support/workspace-fixtures.ts";

// Real git in real processes: slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

let fixture: WorkspaceFixture;
let { repository, workspace, head, home, open, saved } = {} as WorkspaceFixture;
const use = (made: WorkspaceFixture): void => {
  fixture = made;
  ({ repository, workspace, head, home, open, saved } = made);
};
beforeEach(async () => use(await aWorkspace()));
afterEach(() => fixture.remove());

describe.each(["plain", "bare", "sha256"] as const)("in a %s repository", (kind) => {
  beforeEach(async () => {
    fixture.remove();
    use(await aWorkspace(kind));
  });

  it("K1 K2 a tree at the head is worked in, saved, settled and opened again", async () => {
    const before = refsIn(repository);
    const tree = await open();
    put(tree.directory, { "src/main.ts": "export const one = 2;\n", "src/new.ts": "export {};\n" });
    rmSync(join(tree.directory, "src/old.ts"));
    const { commit, files, squashed } = await saved(tree);
    expect([...files].sort()).toEqual(["src/main.ts", "src/new.ts", "src/old.ts"]);
    expect(squashed).toEqual([]);
    expect(git(repository, ["log", "-1", "--format=%P|%an <%ae>|%at|%B", commit]).trim()).toBe(
      `${head}|Perdure <perdure@users.noreply.invalid>|${at / 1000}|execute\n\nPerdure-Run: ${run}`,
    );
    await tree.settle(commit);
    expect(git(tree.directory, ["status", "--porcelain"])).toBe("");
    expect(git(tree.directory, ["rev-parse", "HEAD"]).trim()).toBe(commit);
    expect(await tree.changed(commit)).toEqual([]);
    expect(refsIn(repository)).toBe(before);
    await workspace.close(run);
    expect(readdirSync(home)).toEqual([]);
    expect(git(repository, ["worktree", "list"]).trim().split("\n")).toHaveLength(1);
    const again = await open(undefined, commit);
    expect(inTree(again, "src/new.ts")).toBe("export {};\n");
  });

  it("base tells where a new run begins", async () => {
    expect(await workspace.base()).toEqual({ commit: head, branch: "main", dirty: [] });
  });
});

describe("the user's repository", () => {
  it("K2 checkout, index, branches, configuration and hooks are the same, byte for byte, and no hook ran", async () => {
    put(repository, { "staged.txt": "staged", "README.md": "half\n", "untracked.txt": "x" });
    git(repository, ["add", "staged.txt"]);
    const marker = join(repository, "hook-ran");
    for (const hook of ["post-checkout", "pre-commit", "post-commit", "reference-transaction", "post-index-change"])
      writeFileSync(join(repository, ".git/hooks", hook), `#!/bin/sh\ntouch '${marker}'\n`, { mode: 0o755 });
    const look = () => ({
      index: readFileSync(join(repository, ".git/index")).toString("base64"),
      config: readFileSync(join(repository, ".git/config"), "utf8"),
      head: readFileSync(join(repository, ".git/HEAD"), "utf8"),
      refs: refsIn(repository),
      files: readdirSync(repository).sort(),
    });
    const before = look();
    const tree = await open();
    put(tree.directory, { "a.ts": "a" });
    const { commit } = await saved(tree);
    await tree.settle(commit);
    await tree.outside();
    await workspace.base();
    await open(commit);
    await tree.reset(head);
    await workspace.close(run);
    expect(look()).toEqual(before);
  });

  it("outside tells a touched file, branch, hook and setting, and not what happens in the tree", async () => {
    const dirty = { "untracked.txt": "x", ".perdure/develop/state.json": "{}", "README.md": "mine\n" };
    put(repository, dirty);
    const tree = await open();
    const before = await tree.outside();
    put(tree.directory, { "a.ts": "a" });
    const { commit } = await saved(tree);
    git(repository, ["update-ref", `refs/heads/perdure/work/${run}`, commit]);
    put(repository, { ...dirty, ".perdure/develop/state.json": "{ }" });
    expect(await tree.outside()).toEqual(before);
    put(repository, { "untracked.txt": "y", "src/main.ts": "escaped\n", ".git/hooks/pre-push": "#!/bin/sh\n" });
    git(repository, ["branch", "new"]);
    git(repository, ["config", "alias.x", "!true"]);
    const after = await tree.outside();
    const changed = [...new Set([...Object.keys(before.entries), ...Object.keys(after.entries)])].filter(
      (name) => before.entries[name] !== after.entries[name],
    );
    expect(changed.sort()).toEqual([
      ".git/config",
      ".git/hooks/pre-push",
      "refs/heads/new",
      "src/main.ts",
      "untracked.txt",
    ]);
  });

  it("base tells branch, detached head, other refs and what is not committed", async () => {
    put(repository, { "README.md": "x", "new file.txt": "x", ".perdure/develop/state.json": "{}" });
    expect(await workspace.base()).toEqual({ commit: head, branch: "main", dirty: ["README.md", "new file.txt"] });
    git(repository, ["branch", "feature/x"]);
    git(repository, ["tag", "v1"]);
    expect(await workspace.base("feature/x")).toMatchObject({ commit: head, branch: "feature/x" });
    expect(await workspace.base("v1")).toMatchObject({ commit: head, branch: "" });
    git(repository, ["checkout", "-q", "--detach"]);
    expect(await workspace.base()).toMatchObject({ commit: head, branch: "" });
  });

  it("base refuses what a run cannot begin at, and says why", async () => {
    await expect(workspace.base("nowhere")).rejects.toThrow("`nowhere` is no commit of this repository.");
    await expect(workspace.base("--all")).rejects.toThrow("`--all` is no commit of this repository.");
    const empty = join(home, "../empty");
    git("/tmp", ["init", "-q", empty]);
    const opened = await openRepository(empty);
    const other = gitWorkspace({ git: opened.git, directory: empty, home: home });
    await expect(other.base()).rejects.toThrow("This repository has no commits yet");
    renameSync(join(empty, ".git"), join(empty, "was"));
    await expect(other.base()).rejects.toThrow("This is not a git repository.");
  });

  it("submodules stay as they are", async () => {
    const library = join(home, "../library");
    git("/tmp", ["init", "-q", library]);
    put(library, { "lib.ts": "x" });
    commitAll(library, "Library");
    git(repository, ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library, "vendor/library"]);
    const own = commitAll(repository, "With a submodule");
    const tree = await open(undefined, own);
    put(tree.directory, { "a.ts": "a" });
    const { commit, files } = await saved(tree, own);
    expect(files).toEqual(["a.ts"]);
    expect(git(repository, ["ls-tree", commit, "vendor/"])).toContain("160000 commit");
  });
});
