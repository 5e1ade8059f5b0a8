import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inside, insideFolder } from "../../../src/adapters/agent/inside.ts";
import { withoutPath } from "../../../src/adapters/agent/paths.ts";

describe("a text without the path of the work tree", () => {
  it.each([
    ["Edit /home/me/tree/src/a.ts", "Edit src/a.ts"],
    ["in /home/me/tree.", "in .."],
    ["cd /home/me/tree && ls /home/me/tree/ x", "cd . && ls ./ x"],
    ['{"cwd":"/home/me/tree","p":"/home/me/tree/b"}', '{"cwd":".","p":"b"}'],
    ["/home/me/tree-2/a /home/me/tree.old/a /home/me/trees", "/home/me/tree-2/a /home/me/tree.old/a /home/me/trees"],
    ["/home/me/tr+e", "/home/me/tr+e"],
  ])("turns %s into %s", (text, expected) => {
    expect(withoutPath("/home/me/tree")(text)).toBe(expected);
  });

  it("takes the path as it is written, not as a pattern", () => {
    expect(withoutPath("/a.b (c)+")("/a.b (c)+/d /aXb (c)+/d")).toBe("d /aXb (c)+/d");
  });
});

describe("a path inside the work tree", () => {
  let parent: string;
  let tree: string;
  beforeEach(() => {
    parent = realpathSync(mkdtempSync(join(tmpdir(), "perdure-inside-")));
    tree = join(parent, "tree");
    mkdirSync(join(tree, "src"), { recursive: true });
    writeFileSync(join(parent, "secret"), "x");
    symlinkSync(parent, join(tree, "up"));
    symlinkSync("src", join(tree, "within"));
    symlinkSync("/nowhere/at/all", join(tree, "dangling"));
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  it.each(["src/a.ts", "new/folder/a.ts", "./src/../src/b", "..a/b", ".perdure/out", ".gitignore", ".github/x.yml"])(
    "%s is one",
    async (path) => {
      expect(await inside(tree, path)).toBe(join(tree, path));
    },
  );

  const outside = [
    "",
    ".",
    "..",
    "../secret",
    "src/../../secret",
    "/etc/passwd",
    "a\0b",
    ".git/hooks/pre-commit",
    ".GIT/x",
  ];
  it.each([...outside, "up", "up/secret", "up/new", "within/a.ts", "dangling"])("%j is none", async (path) => {
    expect(await inside(tree, path)).toBeUndefined();
  });

  it("is one in a work tree that is itself reached by a link", async () => {
    symlinkSync(tree, join(parent, "link"));
    expect(await inside(join(parent, "link"), "src/a.ts")).toBe(join(tree, "src/a.ts"));
  });

  it("is a document's only in its folder", async () => {
    expect(await insideFolder(tree, ".perdure/out", "a.md")).toBe(join(tree, ".perdure/out/a.md"));
    for (const file of ["../in/a.md", "../../src/a.ts", "", "."]) {
      expect(await insideFolder(tree, ".perdure/out", file)).toBeUndefined();
    }
  });
});
