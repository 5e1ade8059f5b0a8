import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Oid, oidOf } from "../../../core/brand.ts";
import { ProblemError, problem } from "../../../core/problem.ts";
import { type GitObject, type NewObject, type ObjectFormat, readLoose, writeObjects } from "./objects.ts";
import { gitFailure, gitIn, type RunGit, saidBy } from "./process.ts";
import { objectReader } from "./reader.ts";

/** A git repository on this machine: what the stores and the work trees stand on. */
export interface Repository {
  /** Absolute; where git runs. */
  readonly directory: string;
  /** Absolute; where objects, refs and our own files are, shared by all work trees. */
  readonly common: string;
  readonly format: ObjectFormat;
  readonly git: RunGit;
  /** An object by id, or undefined. */
  read(oid: Oid): Promise<GitObject | undefined>;
  /** Many objects at once, in order. */
  readAll(oids: readonly Oid[]): Promise<ReadonlyArray<GitObject | undefined>>;
  /** What a full ref name points at, or undefined. */
  resolve(ref: string): Promise<Oid | undefined>;
  /** Makes objects durable. */
  write(objects: readonly NewObject[]): Promise<void>;
  /** Ends the processes of this repository; it starts them again when they are needed. */
  close(): Promise<void>;
}

/** Opens the repository that a folder is in, by one git process. */
export async function openRepository(folder: string): Promise<Repository> {
  const asked = await gitIn(resolve(folder))(["rev-parse", "--git-common-dir", "--show-object-format", "--show-cdup"]);
  if (asked.code !== 0) throw refusal(asked.stderr);
  const [commonDir = "", format, up = ""] = asked.stdout.toString("utf8").split("\n");
  if (format !== "sha1" && format !== "sha256")
    throw gitFailure("open the repository", `Unknown object format ${format}.`);
  const common = resolve(folder, commonDir);
  // From wherever in a work tree: its top is where definitions and configuration are looked for.
  const directory = resolve(folder, up);
  const objects = join(common, "objects");
  const reader = objectReader(directory);
  return {
    directory,
    common,
    format,
    git: gitIn(directory),
    read: async (oid) => readLoose(objects, oid) ?? (await reader.read(oid)),
    readAll: (oids) => {
      // From the first that is not loose, git is asked for all: a miss costs as much as three reads.
      const loose: GitObject[] = [];
      for (const oid of oids) {
        const object = readLoose(objects, oid);
        if (!object) break;
        loose.push(object);
      }
      return Promise.all([...loose, ...oids.slice(loose.length).map(reader.read)]);
    },
    resolve: async (ref) => looseRef(common, ref) ?? (await reader.read(ref))?.oid,
    write: (all) => writeObjects(objects, all),
    close: () => reader.close(),
  };
}

/**
 * A ref that has a file of its own, read without a process. Git's rule is that such a file is newer than any packed
 * value. Without one it may be packed, kept in reftables or not there at all, and git is asked.
 */
function looseRef(common: string, ref: string): Oid | undefined {
  try {
    return oidOf(readFileSync(join(common, ref), "utf8").trim());
  } catch {
    return undefined;
  }
}

function refusal(stderr: string): Error {
  if (/not a git repository/i.test(stderr))
    return new ProblemError(
      problem("not-a-repository", "This is not a git repository.", { fix: "Run it inside one, or make one: git init" }),
    );
  if (/dubious ownership/.test(stderr))
    return new ProblemError(
      problem("unsafe-repository", "Git does not trust this repository, because it belongs to another user.", {
        fix: "git config --global --add safe.directory DIRECTORY",
      }),
    );
  return new ProblemError(problem("unreadable-repository", `Git cannot open this repository: ${saidBy(stderr)}`));
}
