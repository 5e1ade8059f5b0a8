import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { anOid, git } from "../support/store-fixtures.ts";
import {
  aWorkspace,
  begin,
  commitAll,
  inTree,
  message,
  put,
  run,
  type WorkspaceFixture,
} from "../support/workspace-fixtures.ts";

// Real git in real processes: slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

let fixture: WorkspaceFixture;
let { repository, workspace, head, open, saved, show, names } = {} as WorkspaceFixture;
const use = (made: WorkspaceFixture): void => {
  fixture = made;
  ({ repository, workspace, head, open, saved, show, names } = made);
};
beforeEach(async () => use(await aWorkspace()));
afterEach(() => fixture.remove());

describe("save", () => {
  it("K2 the same work, parent, time and message are the same commit", async () => {
    const tree = await open();
    put(tree.directory, { "src/new.ts": "x\n" });
    const first = await saved(tree);
    expect(await saved(tree)).toEqual(first);
    await workspace.close(run);
    const other = await open();
    put(other.directory, { "src/new.ts": "x\n" });
    expect((await saved(other)).commit).toBe(first.commit);
  });

  it("K3 no difference is no commit, whatever was touched, emptied or made and removed", async () => {
    const tree = await open();
    expect(await tree.save(message(), head)).toBeUndefined();
    put(tree.directory, {
      "README.md": begin["README.md"],
      "made.txt": "",
      "node_modules/a/index.js": "x",
      "run.log": "x",
    });
    rmSync(join(tree.directory, "made.txt"));
    mkdirSync(join(tree.directory, "empty"));
    expect(await tree.save(message(), head)).toBeUndefined();
    expect(await tree.changed(head)).toEqual([]);
  });

  it("sees an edit of the same size in the very moment of the checkout", async () => {
    const tree = await open();
    // What a file system with coarse times shows; the change time cannot be set, so git is told not to look at it.
    git(repository, ["config", "core.trustctime", "false"]);
    const file = join(tree.directory, "README.md");
    const moment = new Date("2026-11-20T21:30:00Z");
    utimesSync(file, moment, moment);
    git(tree.directory, ["update-index", "--refresh"]);
    writeFileSync(file, begin["README.md"].toUpperCase());
    utimesSync(file, moment, moment);
    utimesSync(join(repository, ".git/worktrees", run, "index"), moment, moment);
    expect((await saved(tree)).files).toEqual(["README.md"]);
  });

  it("K4 nothing of the exchange folder is committed, staged by force or not", async () => {
    const tree = await open();
    expect(inTree(tree, ".perdure/.gitignore")).toBe("*\n");
    put(tree.directory, { ".perdure/out/state.md": "x", "src/new.ts": "x" });
    git(tree.directory, ["add", "-f", ".perdure/out/state.md"]);
    rmSync(join(tree.directory, ".perdure/.gitignore"));
    expect(await tree.changed(head)).toEqual(["src/new.ts"]);
    const { commit, files } = await saved(tree);
    expect(files).toEqual(["src/new.ts"]);
    expect(names(commit)).not.toContain(".perdure/out/state.md");
  });

  it("K4 a repository's own .perdure folder stays in every commit as it was", async () => {
    put(repository, { ".perdure/config.yml": "a: 1\n" });
    const own = commitAll(repository, "Own folder");
    const tree = await open(undefined, own);
    put(tree.directory, { ".perdure/config.yml": "a: 2\n", "src/new.ts": "x" });
    const { commit, files } = await saved(tree, own);
    expect(files).toEqual(["src/new.ts"]);
    expect(show(commit, ".perdure/config.yml")).toBe("a: 1\n");
  });

  it("keeps names, links and modes as they are", async () => {
    const tree = await open();
    const odd = [
      "with space.txt",
      "Größe – 大きさ.txt",
      "line\nbreak.txt",
      "-dash.txt",
      ":colon.txt",
      'quo"te.txt',
      "deep/er/a*b?.txt",
    ];
    put(tree.directory, Object.fromEntries(odd.map((name) => [name, `${name}\n`])));
    writeFileSync(join(tree.directory, "tool.sh"), "#!/bin/sh\n", { mode: 0o755 });
    symlinkSync("README.md", join(tree.directory, "link"));
    symlinkSync("/nowhere/at/all", join(tree.directory, "dangling"));
    const { commit, files } = await saved(tree);
    expect([...files].sort()).toEqual([...odd, "dangling", "link", "tool.sh"].sort());
    await workspace.close(run);
    const again = await open(undefined, commit);
    for (const name of odd) expect(inTree(again, name)).toBe(`${name}\n`);
    expect(statSync(join(again.directory, "tool.sh")).mode & 0o111).toBe(0o111);
    expect(readlinkSync(join(again.directory, "link"))).toBe("README.md");
    expect(readlinkSync(join(again.directory, "dangling"))).toBe("/nowhere/at/all");
    chmodSync(join(again.directory, "tool.sh"), 0o644);
    expect((await again.save(message(), commit))?.files).toEqual(["tool.sh"]);
  });

  it("K2 the index that tools in the tree see stays as it is, and staged, unstaged and untracked work is all saved", async () => {
    const tree = await open();
    put(tree.directory, { "staged.ts": "1", "README.md": "changed\n" });
    git(tree.directory, ["add", "staged.ts"]);
    put(tree.directory, { "staged.ts": "2", "untracked.ts": "3" });
    const index = join(repository, ".git/worktrees", run, "index");
    const before = readFileSync(index);
    const { commit } = await saved(tree);
    expect(readFileSync(index).equals(before)).toBe(true);
    expect([show(commit, "staged.ts"), show(commit, "README.md"), show(commit, "untracked.ts")]).toEqual([
      "2",
      "changed\n",
      "3",
    ]);
    expect(readdirSync(dirname(index)).filter((name) => name.startsWith("perdure"))).toEqual([]);
  });

  it("commits that an agent made are squashed into the one, on a branch of its own too, which does not move", async () => {
    const tree = await open();
    put(tree.directory, { "a.ts": "a" });
    commitAll(tree.directory, "feat: a");
    git(tree.directory, ["checkout", "-q", "-b", "feature"]);
    put(tree.directory, { "b.ts": "b" });
    const own = commitAll(tree.directory, "feat: b");
    put(tree.directory, { "c.ts": "c" });
    const { commit, files, squashed } = await saved(tree);
    expect(squashed).toEqual(["feat: a", "feat: b"]);
    expect([...files].sort()).toEqual(["a.ts", "b.ts", "c.ts"]);
    expect(git(repository, ["rev-parse", `${commit}^`]).trim()).toBe(head);
    expect(git(repository, ["log", "-1", "--format=%b", commit])).toContain("- feat: a\n- feat: b");
    await tree.settle(commit);
    expect(git(repository, ["rev-parse", "feature"]).trim()).toBe(own);
    expect(git(tree.directory, ["rev-parse", "--abbrev-ref", "HEAD"]).trim()).toBe("HEAD");
    expect((await tree.save(message(), commit))?.squashed).toBeUndefined();
  });

  it("a repository inside the tree is left out and left alone, with a commit or without one", async () => {
    const tree = await open();
    for (const name of ["nested", "fresh one"]) git("/tmp", ["init", "-q", join(tree.directory, name)]);
    put(tree.directory, { "nested/file.txt": "x", "fresh one/file.txt": "x", "src/new.ts": "x" });
    commitAll(join(tree.directory, "nested"), "Nested");
    const { commit, files } = await saved(tree);
    expect(files).toEqual(["src/new.ts"]);
    expect(git(repository, ["log", "-1", "--format=%b", commit])).toContain(
      "Left out, being repositories of their own: fresh one, nested",
    );
    expect(await tree.changed(head)).toEqual(["src/new.ts"]);
    const again = await open(undefined, commit);
    expect(inTree(again, "nested/file.txt")).toBe("x");
  });

  it("a tracked folder that an agent made a repository of keeps its files in the commit", async () => {
    const tree = await open();
    git(tree.directory, ["init", "-q", "src"]);
    commitAll(join(tree.directory, "src"), "Mine now");
    put(tree.directory, { "README.md": "changed\n" });
    const { commit, files } = await saved(tree);
    expect(files).toEqual(["README.md"]);
    expect(names(commit)).toContain("src/main.ts");
  });

  it("ignored files that the repository tracks are saved, and a lost index loses none of them", async () => {
    put(repository, { "kept.log": "1\n" });
    git(repository, ["add", "-f", "kept.log"]);
    git(repository, ["commit", "-q", "-m", "Tracked though ignored"]);
    const own = anOid(git(repository, ["rev-parse", "HEAD"]));
    const tree = await open(undefined, own);
    rmSync(join(repository, ".git/worktrees", run, "index"));
    put(tree.directory, { "kept.log": "2\n" });
    const { commit, files } = await saved(tree, own);
    expect(files).toEqual(["kept.log"]);
    expect(names(commit)).toContain("src/main.ts");
  });

  it("an agent that replaced the tree's .git file changes nothing but its own view", async () => {
    const tree = await open();
    rmSync(join(tree.directory, ".git"));
    git(tree.directory, ["init", "-q"]);
    put(tree.directory, { "src/new.ts": "x" });
    commitAll(tree.directory, "Elsewhere");
    const { commit, files } = await saved(tree);
    expect(files).toEqual(["src/new.ts"]);
    const again = await open(undefined, commit);
    expect(git(again.directory, ["rev-parse", "HEAD"]).trim()).toBe(commit);
  });

  it("a merge that an agent left unfinished is saved as it stands, and is over after settling", async () => {
    git(repository, ["branch", "side"]);
    put(repository, { "README.md": "ours\n" });
    const ours = commitAll(repository, "Ours");
    git(repository, ["checkout", "-q", "side"]);
    put(repository, { "README.md": "theirs\n" });
    commitAll(repository, "Theirs");
    const tree = await open(undefined, ours);
    expect(() => git(tree.directory, ["merge", "side"])).toThrow();
    const { commit } = await saved(tree, ours);
    expect(show(commit, "README.md")).toContain("<<<<<<<");
    await tree.settle(commit);
    expect(git(tree.directory, ["status"])).toContain("nothing to commit");
    expect(git(tree.directory, ["status"])).not.toContain("merge");
  });
});
