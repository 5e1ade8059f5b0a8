import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fileScratch } from "../../src/adapters/scratch/files.ts";

const scratch = fileScratch();
let base = "";
let tree = "";
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "perdure-scratch-"));
  tree = join(base, "tree");
  mkdirSync(tree);
  writeFileSync(join(base, "secret.txt"), "secret");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe("scratch files", () => {
  test("are written, read and listed", async () => {
    await scratch.put(tree, ".perdure/out/b.md", "b");
    await scratch.put(tree, ".perdure/out/a.md", "a");
    expect(await scratch.get(tree, ".perdure/out/a.md")).toBe("a");
    expect(await scratch.list(tree, ".perdure/out")).toEqual(["a.md", "b.md"]);
    await scratch.clear(tree, ".perdure/out");
    expect(await scratch.list(tree, ".perdure/out")).toEqual([]);
  });
  test("S1 a path that leads out is refused", async () => {
    await expect(scratch.get(tree, "../secret.txt")).rejects.toThrow("leads out");
    await expect(scratch.put(tree, "a/../../x", "x")).rejects.toThrow("leads out");
    await expect(scratch.get(tree, join(base, "secret.txt"))).rejects.toThrow("leads out");
  });
  test("S1 a link that an agent left is not followed, for reading or for writing", async () => {
    symlinkSync(join(base, "secret.txt"), join(tree, "state.md"));
    expect(await scratch.get(tree, "state.md")).toBeUndefined();
    await scratch.put(tree, "state.md", "ours");
    expect(readFileSync(join(base, "secret.txt"), "utf8")).toBe("secret");
    symlinkSync(base, join(tree, ".perdure"));
    await scratch.put(tree, ".perdure/in/x.md", "x");
    expect(existsSync(join(base, "in"))).toBe(false);
    expect(await scratch.get(tree, ".perdure/in/x.md")).toBe("x");
  });
  test("S1 emptying a folder that is a link leaves what it leads to", async () => {
    symlinkSync(base, join(tree, "out"));
    await scratch.clear(tree, "out");
    expect(readFileSync(join(base, "secret.txt"), "utf8")).toBe("secret");
  });
  test("S2 what is not there, is a folder or is too large counts as not there", async () => {
    mkdirSync(join(tree, "folder"));
    writeFileSync(join(tree, "large.md"), "x".repeat(1_048_577));
    expect(await scratch.get(tree, "nothing")).toBeUndefined();
    expect(await scratch.get(tree, "folder")).toBeUndefined();
    expect(await scratch.get(tree, "large.md")).toBeUndefined();
    expect(await scratch.list(tree, "nowhere")).toEqual([]);
  });
});
