import { type Oid, oidOf } from "../../../core/brand.ts";
import { type NewObject, newObject, type ObjectFormat } from "./objects.ts";

export interface TreeEntry {
  readonly mode: string;
  readonly name: string;
  readonly oid: Oid;
}

export type ReadTree = (oid: Oid) => Promise<readonly TreeEntry[]>;

export const isFolder = (entry: TreeEntry): boolean => entry.mode === "40000";

/** The entries in the bytes of a tree object. */
export function parseTree(format: ObjectFormat, content: Buffer): readonly TreeEntry[] {
  const entries: TreeEntry[] = [];
  const length = format === "sha1" ? 20 : 32;
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(32, at);
    const end = content.indexOf(0, space);
    const oid = oidOf(content.toString("hex", end + 1, end + 1 + length));
    if (space < 0 || end < 0 || !oid) throw new Error("A tree object that git would not have written.");
    entries.push({ mode: content.toString("latin1", at, space), name: content.toString("utf8", space + 1, end), oid });
    at = end + 1 + length;
  }
  return entries;
}

/** A tree object of these entries, in the order that git wants: folders as if their names ended with a slash. */
export function treeObject(format: ObjectFormat, entries: readonly TreeEntry[]): NewObject {
  const keyed = entries.map((entry) => ({ entry, key: Buffer.from(isFolder(entry) ? `${entry.name}/` : entry.name) }));
  keyed.sort((a, b) => Buffer.compare(a.key, b.key));
  const parts = keyed.flatMap(({ entry }) => [
    Buffer.from(`${entry.mode} ${entry.name}\0`),
    Buffer.from(entry.oid, "hex"),
  ]);
  return newObject(format, "tree", Buffer.concat(parts));
}

export interface NewTree {
  readonly root: Oid;
  /** Every tree object on the way to a changed file, and what it holds. */
  readonly trees: ReadonlyArray<{ readonly object: NewObject; readonly entries: readonly TreeEntry[] }>;
}

/** The tree `base` (nothing when undefined) with these files added or replaced. Other folders are not even read. */
export async function treeWith(
  format: ObjectFormat,
  base: Oid | undefined,
  files: ReadonlyMap<string, Oid>,
  read: ReadTree,
): Promise<NewTree> {
  const entries = new Map((base === undefined ? [] : await read(base)).map((entry) => [entry.name, entry]));
  const folders = new Map<string, Map<string, Oid>>();
  for (const [path, oid] of files) {
    const slash = path.indexOf("/");
    if (slash < 0) entries.set(path, { mode: "100644", name: path, oid });
    else
      folders.set(
        path.slice(0, slash),
        (folders.get(path.slice(0, slash)) ?? new Map()).set(path.slice(slash + 1), oid),
      );
  }
  const trees: Array<NewTree["trees"][number]> = [];
  for (const [name, inside] of folders) {
    const known = entries.get(name);
    if (files.has(name) || (known && !isFolder(known))) throw new Error(`${name} is a file and a folder of a run.`);
    const folder = await treeWith(format, known?.oid, inside, read);
    trees.push(...folder.trees);
    entries.set(name, { mode: "40000", name, oid: folder.root });
  }
  const list = [...entries.values()];
  const object = treeObject(format, list);
  return { root: object.oid, trees: [...trees, { object, entries: list }] };
}

/** Every file below a tree: path to blob. */
export async function filesOf(root: Oid, read: ReadTree): Promise<ReadonlyMap<string, Oid>> {
  const files = new Map<string, Oid>();
  const collect = async (tree: Oid, prefix: string): Promise<void> => {
    const folders: Promise<void>[] = [];
    for (const entry of await read(tree)) {
      if (isFolder(entry)) folders.push(collect(entry.oid, `${prefix}${entry.name}/`));
      else files.set(`${prefix}${entry.name}`, entry.oid);
    }
    await Promise.all(folders);
  };
  await collect(root, "");
  return files;
}
