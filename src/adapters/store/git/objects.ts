import { hash, randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { constants, deflateSync, inflateSync } from "node:zlib";
import { type Oid, oidOf } from "../../../core/brand.ts";
import { fileFailure } from "./process.ts";

export type ObjectFormat = "sha1" | "sha256";
export type ObjectType = "blob" | "tree" | "commit" | "tag";

export interface GitObject {
  readonly oid: Oid;
  readonly type: string;
  readonly content: Buffer;
}

/** An object that is not written yet: its id, and the bytes that git hashes. */
export interface NewObject {
  readonly oid: Oid;
  readonly bytes: Uint8Array;
}

export function newObject(format: ObjectFormat, type: ObjectType, content: Uint8Array): NewObject {
  const bytes = Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]);
  return { oid: checkedOid(hash(format, bytes)), bytes };
}

/** A text from git or from a hash as an object id. */
export function checkedOid(text: string): Oid {
  const oid = oidOf(text);
  if (!oid) throw new Error(`Not an object id: ${JSON.stringify(text)}.`);
  return oid;
}

const loosePath = (objects: string, oid: Oid): string => `${objects}/${oid.slice(0, 2)}/${oid.slice(2)}`;

/** A loose object, read without a process; undefined when it is packed, elsewhere or nowhere: then git is asked. */
export function readLoose(objects: string, oid: Oid): GitObject | undefined {
  try {
    const packed = readFileSync(loosePath(objects, oid));
    const bytes = unstored(packed) ?? inflateSync(packed);
    const end = bytes.indexOf(0);
    const [type = "", size] = bytes.toString("latin1", 0, end).split(" ");
    const content = bytes.subarray(end + 1);
    return content.length === Number(size) ? { oid, type, content } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Writes loose objects as git does (a temporary file, renamed), but durably: when this settles, all of them survive a
 * power loss. A process for each of them would cost more than the syncs do, and these overlap.
 */
export async function writeObjects(objects: string, all: readonly NewObject[]): Promise<void> {
  const written: Temporary[] = [];
  try {
    const folders = new Set(all.map(({ oid }) => join(objects, oid.slice(0, 2))));
    for (const object of all)
      if (!existsSync(loosePath(objects, object.oid))) written.push(writeTemporary(objects, object));
    // Writing goes to memory and is done at once; only the syncs wait for the disk, and those overlap.
    await Promise.all(written.map(({ fd }) => sync(fd)));
    for (const { temporary, path } of written) renameSync(temporary, path);
    if (written.some(({ made }) => made)) folders.add(objects);
    await Promise.all([...folders].map(syncFolder));
  } catch (error) {
    for (const { temporary } of written) rmSync(temporary, { force: true });
    throw fileFailure("write objects", error);
  } finally {
    for (const { fd } of written) closeSync(fd);
  }
}

const sync = promisify(fsync);

interface Temporary {
  readonly fd: number;
  readonly temporary: string;
  readonly path: string;
  /** Whether its folder had to be made. */
  readonly made: boolean;
}

function writeTemporary(objects: string, { oid, bytes }: NewObject): Temporary {
  const path = loosePath(objects, oid);
  // Git's own name for such files: a `git gc` of the user's removes what a killed process left. All in one folder: a
  // file system takes thirty times as long to make files in as many folders.
  const temporary = join(objects, `tmp_obj_${randomBytes(6).toString("hex")}`);
  const made = mkdirSync(dirname(path), { recursive: true }) !== undefined;
  const fd = openSync(temporary, "wx", 0o444);
  try {
    const packed = bytes.length <= blockSize ? stored(bytes) : deflateSync(bytes, { level: constants.Z_BEST_SPEED });
    for (let at = 0; at < packed.length; ) at += writeSync(fd, packed, at);
    return { fd, temporary, path, made };
  } catch (error) {
    closeSync(fd);
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** What fits into a block of the disk takes no less room when it is compressed, and is read in half the time when not. */
const blockSize = 4_080;
const zlibHead = [0x78, 0x01, 0x01];

/** The zlib form that holds the bytes as they are. Git compresses them itself when it packs. */
function stored(bytes: Uint8Array): Uint8Array {
  const packed = Buffer.alloc(zlibHead.length + 4 + bytes.length + 4);
  packed.set(zlibHead);
  packed.writeUInt16LE(bytes.length, 3);
  packed.writeUInt16LE(~bytes.length & 0xffff, 5);
  packed.set(bytes, 7);
  packed.writeUInt32BE(adler32(bytes), 7 + bytes.length);
  return packed;
}

/** Its checksum is not looked at: what is read here is under the journal's own hashes, or names what is. */
function unstored(packed: Buffer): Buffer | undefined {
  if (!zlibHead.every((byte, index) => packed[index] === byte)) return undefined;
  const bytes = packed.subarray(7, -4);
  return packed.readUInt16LE(3) === bytes.length ? bytes : undefined;
}

function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  // At most a block long, so neither sum can leave the exact integers before the end.
  for (const byte of bytes) {
    low += byte;
    high += low;
  }
  return (((high % 65_521) << 16) | (low % 65_521)) >>> 0;
}

/** Makes names in a folder durable. Windows has no such call, and does it by itself. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
