import { spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { anOid, aRun, git } from "../support/store-fixtures.ts";
import {
  aWorkspace,
  begin,
  commitAll,
  inTree,
  put,
  run,
  type WorkspaceFixture,
} from "../support/workspace-fixtures.ts";

// Real git in real processes: slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

let fixture: WorkspaceFixture;
let { repository, workspace, head, home, open, saved, show } = {} as WorkspaceFixture;
const use = (made: WorkspaceFixture): void => {
  fixture = made;
  ({ repository, workspace, head, home, open, saved, show } = made);
};
beforeEach(async () => use(await aWorkspace()));
afterEach(() => fixture.remove());

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

  it("rescue branches that a person deleted are no obstacle to the next one", async () => {
    const tree = await open();
    for (const content of ["1\n", "2\n"]) {
      put(tree.directory, { "src/main.ts": content });
      await open();
    }
    git(repository, ["branch", "-q", "-D", `perdure/rescue/${run}/1`]);
    put(tree.directory, { "src/main.ts": "3\n" });
    await open();
    expect(git(repository, ["for-each-ref", "--format=%(refname:lstrip=5)", "refs/heads/perdure/rescue"])).toBe(
      "2\n3\n",
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
    "a registration that had only just begun": (folder) => {
      rmSync(folder, { recursive: true });
      const admin = join(repository, ".git/worktrees", run);
      for (const name of readdirSync(admin)) rmSync(join(admin, name), { recursive: true });
      writeFileSync(join(admin, "locked"), "initializing");
    },
    "a registration that was cut in the middle": () => {
      writeFileSync(join(repository, ".git/worktrees", run, "commondir"), "");
    },
    "an index that is damaged": () => writeFileSync(join(repository, ".git/worktrees", run, "index"), "DIRC damaged"),
    "an index that is locked": () => writeFileSync(join(repository, ".git/worktrees", run, "index.lock"), ""),
    "a head that is damaged": () => writeFileSync(join(repository, ".git/worktrees", run, "HEAD"), ""),
    "a head on a branch without commits": (folder) => {
      git(folder, ["checkout", "-q", "--orphan", "begin-again"]);
    },
    "an exchange folder that is a link": (folder) => {
      rmSync(join(folder, ".perdure"), { recursive: true });
      symlinkSync(home, join(folder, ".perdure"));
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
    expect(existsSync(join(home, ".gitignore"))).toBe(false);
    await workspace.close(run);
    expect(readdirSync(home)).toEqual([]);
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
    const folder = join(home, run);
    for (const wait of [2, 3, 4, 5, 7, 10, 15, 25, 40]) {
      const child = spawn("git", ["worktree", "add", "-q", "--detach", folder, large], {
        cwd: repository,
        stdio: "ignore",
        detached: true,
      });
      const end = new Promise((resolve) => child.on("close", resolve));
      await new Promise((resolve) => setTimeout(resolve, wait));
      // With its children, as when a container dies.
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
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
