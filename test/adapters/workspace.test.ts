import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRepository } from "../../src/adapters/store/git/repository.ts";
import { gitWorkspace } from "../../src/adapters/workspace/git.ts";
import type { Oid } from "../../src/core/brand.ts";
import type { CommitMessage, Tree, Workspace } from "../../src/ports/workspace.ts";
import { aFolder, anOid, aRun, git, refsIn } from "../support/store-fixtures.ts";

const run = aRun();
const at = Date.UTC(2026, 10, 20, 21, 30);
const message = (subject = "execute"): CommitMessage => ({ subject, body: `Perdure-Run: ${run}`, at });

interface Fixture {
  readonly repository: string;
  readonly home: string;
  readonly workspace: Workspace;
  readonly head: Oid;
  /** What `file` in the tree holds. */
  remove(): void;
}

const put = (folder: string, files: Readonly<Record<string, string>>): void => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
};

const commitAll = (folder: string, subject: string): Oid => {
  git(folder, ["add", "-A"]);
  git(folder, ["commit", "-q", "-m", subject]);
  return anOid(git(folder, ["rev-parse", "HEAD"]));
};

const begin = {
  "README.md": "# Hello\n",
  "src/main.ts": "export const one = 1;\n",
  "src/old.ts": "export const old = 0;\n",
  ".gitignore": "node_modules/\n*.log\n",
};

async function aWorkspace(kind: "plain" | "bare" | "sha256" = "plain"): Promise<Fixture> {
  const folder = aFolder();
  const source = join(folder.path, "source");
  git("/tmp", ["init", "-q", ...(kind === "sha256" ? ["--object-format=sha256"] : []), source]);
  put(source, begin);
  const head = commitAll(source, "Begin");
  const repository = kind === "bare" ? join(folder.path, "bare.git") : source;
  if (kind === "bare") git(folder.path, ["clone", "-q", "--bare", source, repository]);
  const home = join(folder.path, "trees");
  const opened = await openRepository(repository);
  return {
    repository,
    home,
    head,
    remove: folder.remove,
    workspace: gitWorkspace({ git: opened.git, directory: repository, home }),
  };
}

let fixture: Fixture;
let repository: string;
let workspace: Workspace;
let head: Oid;
const use = (made: Fixture): void => {
  fixture = made;
  ({ repository, workspace, head } = made);
};
const open = (checkpoint?: Oid, from = head): Promise<Tree> => workspace.open(run, from, checkpoint);
const show = (commit: Oid, path: string): string => git(repository, ["show", `${commit}:${path}`]);
const names = (commit: Oid): readonly string[] =>
  git(repository, ["ls-tree", "-r", "-z", "--name-only", commit])
    .split("\0")
    .filter((name) => name !== "");
const inTree = (tree: Tree, path: string): string => readFileSync(join(tree.directory, path), "utf8");
const saved = async (tree: Tree, from = head) => {
  const result = await tree.save(message(), from);
  if (!result) throw new Error("There is something to save.");
  return result;
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
    expect(readdirSync(fixture.home)).toEqual([]);
    expect(git(repository, ["worktree", "list"]).trim().split("\n")).toHaveLength(1);
    const again = await open(undefined, commit);
    expect(inTree(again, "src/new.ts")).toBe("export {};\n");
  });

  it("base tells where a new run begins", async () => {
    expect(await workspace.base()).toEqual({ commit: head, branch: "main", dirty: [] });
  });
});

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

describe("open", () => {
  it("K1 uncommitted work of a checkpoint lies over the head, on another machine too", async () => {
    const tree = await open();
    put(tree.directory, { "src/main.ts": "half done\n", "src/new.ts": "x\n" });
    rmSync(join(tree.directory, "src/old.ts"));
    const { commit } = await saved(tree);
    await workspace.close(run);
    const again = await open(commit);
    expect([
      inTree(again, "src/main.ts"),
      inTree(again, "src/new.ts"),
      existsSync(join(again.directory, "src/old.ts")),
    ]).toEqual(["half done\n", "x\n", false]);
    expect(git(again.directory, ["rev-parse", "HEAD"]).trim()).toBe(head);
    expect(git(again.directory, ["status", "--porcelain"])).toBe(" M src/main.ts\n D src/old.ts\n?? src/new.ts\n");
    expect(await again.changed(head)).toEqual(["src/main.ts", "src/new.ts", "src/old.ts"]);
  });

  it("K1 what a killed worker left is gone from the tree and kept on a rescue branch; ignored files stay", async () => {
    const tree = await open();
    put(tree.directory, { "src/main.ts": "never saved\n", "new.txt": "x", "node_modules/a/index.js": "x" });
    const again = await open();
    expect(inTree(again, "src/main.ts")).toBe(begin["src/main.ts"]);
    expect(existsSync(join(again.directory, "new.txt"))).toBe(false);
    expect(inTree(again, "node_modules/a/index.js")).toBe("x");
    const rescued = anOid(git(repository, ["rev-parse", `perdure/rescue/${run}/1`]));
    expect(show(rescued, "src/main.ts")).toBe("never saved\n");
  });

  it("K1 what is in the head or in the checkpoint needs no rescue, and nothing is rescued twice", async () => {
    const tree = await open();
    put(tree.directory, { "src/main.ts": "1\n" });
    const { commit } = await saved(tree);
    await open(commit);
    expect(inTree(await open(undefined, commit), "src/main.ts")).toBe("1\n");
    put(tree.directory, { "src/main.ts": "2\n" });
    await open(undefined, commit);
    put(tree.directory, { "src/main.ts": "2\n" });
    await open(undefined, commit);
    expect(git(repository, ["for-each-ref", "--format=%(refname)", "refs/heads/perdure/rescue"]).trim()).toBe(
      `refs/heads/perdure/rescue/${run}/1`,
    );
  });

  it("K1 a commit that an agent made and nobody saved is rescued", async () => {
    const tree = await open();
    put(tree.directory, { "a.ts": "a" });
    const own = commitAll(tree.directory, "feat: a");
    const again = await open();
    expect(existsSync(join(again.directory, "a.ts"))).toBe(false);
    expect(git(repository, ["rev-parse", `perdure/rescue/${run}/1`]).trim()).toBe(own);
  });

  it("reset throws away every change but ignored files", async () => {
    const tree = await open();
    put(tree.directory, { "README.md": "x", "new/file.txt": "x", "a.log": "x" });
    git(tree.directory, ["add", "-A"]);
    await tree.reset(head);
    expect(git(tree.directory, ["status", "--porcelain"])).toBe("");
    expect([existsSync(join(tree.directory, "new")), existsSync(join(tree.directory, "a.log"))]).toEqual([false, true]);
    expect(inTree(tree, ".perdure/.gitignore")).toBe("*\n");
  });

  const left: Readonly<Record<string, (folder: string) => void>> = {
    "an empty folder": (folder) => mkdirSync(folder, { recursive: true }),
    "a folder that was deleted": (folder) => rmSync(folder, { recursive: true, force: true }),
    "a deleted folder whose registration is locked": (folder) => {
      rmSync(folder, { recursive: true, force: true });
      writeFileSync(join(repository, ".git/worktrees", run, "locked"), "on a stick\n");
    },
    "a registration that is gone": () => rmSync(join(repository, ".git/worktrees"), { recursive: true }),
    "a tree that was only half made": (folder) => {
      rmSync(join(folder, "src"), { recursive: true });
      rmSync(join(repository, ".git/worktrees", run, "index"));
      writeFileSync(join(repository, ".git/worktrees", run, "locked"), "initializing\n");
    },
    "an index that is damaged": () => writeFileSync(join(repository, ".git/worktrees", run, "index"), "DIRC damaged"),
    "an index that is locked": () => writeFileSync(join(repository, ".git/worktrees", run, "index.lock"), ""),
    "a head that is damaged": () => writeFileSync(join(repository, ".git/worktrees", run, "HEAD"), ""),
    "a head on a branch without commits": (folder) => {
      git(folder, ["checkout", "-q", "--orphan", "begin-again"]);
    },
    "an exchange folder that is a link": (folder) => {
      rmSync(join(folder, ".perdure"), { recursive: true });
      symlinkSync(fixture.home, join(folder, ".perdure"));
    },
  };
  it.each(Object.keys(left))("K1 %s is repaired", async (name) => {
    const tree = await open();
    left[name]?.(tree.directory);
    const again = await open();
    expect(again.directory).toBe(tree.directory);
    expect(git(again.directory, ["rev-parse", "HEAD"]).trim()).toBe(head);
    expect(git(again.directory, ["status", "--porcelain"])).toBe("");
    expect(inTree(again, "src/main.ts")).toBe(begin["src/main.ts"]);
    expect(lstatSync(join(again.directory, ".perdure")).isDirectory()).toBe(true);
    expect(existsSync(join(fixture.home, ".gitignore"))).toBe(false);
    await workspace.close(run);
    expect(readdirSync(fixture.home)).toEqual([]);
  });

  it("J9 work in a folder that git does not know any more is moved aside, not destroyed", async () => {
    const tree = await open();
    put(tree.directory, { "src/main.ts": "never saved\n" });
    rmSync(join(repository, ".git/worktrees"), { recursive: true });
    await open();
    expect(readFileSync(join(`${tree.directory}.left-1`, "src/main.ts"), "utf8")).toBe("never saved\n");
  });

  it("a worker that was killed while the tree was being made is no obstacle", { timeout: 60_000 }, async () => {
    put(
      repository,
      Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`many/${index}.txt`, `${index}\n`.repeat(500)])),
    );
    const large = commitAll(repository, "Many files");
    const folder = join(fixture.home, run);
    for (const wait of [5, 15, 40]) {
      const child = spawn("git", ["worktree", "add", "-q", "--detach", folder, large], {
        cwd: repository,
        stdio: "ignore",
      });
      const end = new Promise((resolve) => child.on("close", resolve));
      await new Promise((resolve) => setTimeout(resolve, wait));
      child.kill("SIGKILL");
      await end;
      const tree = await open(undefined, large);
      expect(git(tree.directory, ["status", "--porcelain"])).toBe("");
      await workspace.close(run);
    }
  });

  it("two runs have trees of their own", async () => {
    const other = await workspace.open(aRun("42"), head);
    const tree = await open();
    put(other.directory, { "a.ts": "x" });
    expect(await tree.changed(head)).toEqual([]);
    await workspace.close(run);
    expect(await other.changed(head)).toEqual(["a.ts"]);
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
    const empty = join(fixture.home, "../empty");
    git("/tmp", ["init", "-q", empty]);
    const opened = await openRepository(empty);
    const other = gitWorkspace({ git: opened.git, directory: empty, home: fixture.home });
    await expect(other.base()).rejects.toThrow("This repository has no commits yet");
    renameSync(join(empty, ".git"), join(empty, "was"));
    await expect(other.base()).rejects.toThrow("This is not a git repository.");
  });

  it("submodules stay as they are", async () => {
    const library = join(fixture.home, "../library");
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
