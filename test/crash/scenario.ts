import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runIdOf } from "../../src/core/brand.ts";
import { aSample, type Ended, recording, type Sample, sampleIn, type Where } from "../support/sample.ts";
import { git } from "../support/store-fixtures.ts";

/**
 * The third example of the development cycle with checks that take no time: three fixes that miss, a devil's advocate, a
 * fourth that does not. It is killed somewhere, resumed somewhere else, and compared with what it gives undisturbed.
 */
const quick = recording("token-refresh", (text) =>
  text
    .replace("node_modules/.bin/tsc -p . --noEmit", '"! grep -n TODO src/server.ts"')
    .replace(
      "node_modules/.bin/tsc -p . && node --test build/test/",
      'grep -q "sub. userId," src/tokens.ts || { echo "401 !== 200"; exit 1; }',
    ),
);

export const run = runIdOf("demo") ?? fail("demo is a run id");
const task = ["--task", "Implement token refresh", "--branch", "feature/refresh", "--run", run];

/** Where a run is kept: in the person's repository, or on a remote of it. */
export type Kept = "local" | "remote";

/** A repository in which the run can begin; copies of it are what is broken. */
export function aTemplate(): Sample {
  const sample = aSample({ example: "token-refresh" });
  sample.put("script.yaml", quick);
  return sample;
}

export function aCopy(template: Sample, kept: Kept): Sample {
  const folder = mkdtempSync(join(tmpdir(), "perdure-crash-"));
  cpSync(template.folder, folder, { recursive: true });
  if (kept === "remote") {
    git(folder, ["clone", "-q", "--bare", "--template=", "repository", "remote.git"]);
    git(join(folder, "repository"), ["remote", "add", "origin", join(folder, "remote.git")]);
  }
  return sampleIn(folder);
}

/** The git directory that the run is kept in. */
export const keptIn = (sample: Sample, kept: Kept): string =>
  join(sample.folder, kept === "remote" ? "remote.git" : "repository/.git");

/** Where somebody goes on: which repository, and which folder for work trees. */
export interface Place extends Where {
  readonly repository: string;
  readonly home: string;
}

export const firstPlace = (sample: Sample): Place => ({
  repository: sample.repository,
  home: join(sample.folder, "home"),
});

/** Another machine: the work trees of the one before are gone, and with a remote its repository is, too. */
export function anotherPlace(sample: Sample, kept: Kept, number: number): Place {
  const home = join(sample.folder, `home-${number}`);
  if (kept === "local") {
    // A git that the dead left behind may still be writing there.
    for (const name of readdirSync(sample.folder).filter((entry) => entry.startsWith("home")))
      rmSync(join(sample.folder, name), { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    return { repository: sample.repository, home };
  }
  const repository = join(sample.folder, `clone-${number}`);
  git(sample.folder, ["clone", "-q", "--template=", "remote.git", repository]);
  return { repository, home };
}

const preload = `--import=${pathToFileURL(join(import.meta.dirname, "preload.mjs")).href}`;

/** The command line of whoever starts the run, and of whoever goes on with it. */
export const begin = (sample: Sample, kept: Kept): readonly string[] => [
  "run",
  ...task,
  "--script",
  join(sample.folder, "script.yaml"),
  ...remote(kept),
];
export const goOn = (kept: Kept): readonly string[] => ["resume", run, ...remote(kept)];
const remote = (kept: Kept): readonly string[] => (kept === "remote" ? ["--remote", "origin"] : []);

/** A place where the process dies at a call: `append:7:torn`. Where the call is never made, it ends as it should. */
export const withFault = (place: Place, fault: string): Place => ({
  ...place,
  environment: { NODE_OPTIONS: preload, FAULT: fault },
});
/** A place where every call is counted, into this file. */
export const counting = (place: Place, file: string): Place => ({
  ...place,
  environment: { NODE_OPTIONS: preload, FAULT_COUNTS: file },
});

/** What one start of the command line came to. */
export type Progress = "completed" | "never created" | "created after all" | "go on" | { readonly stuck: string };

export function progressOf({ code, signal, stdout, stderr }: Ended): Progress {
  const said = `${stdout}${stderr}`;
  if (code === 0 || /is completed; there is nothing to resume/.test(said)) return "completed";
  if (/There is no run/.test(said)) return "never created";
  // The push of a dead process landed after somebody had looked.
  if (/There is a run `demo` already/.test(said)) return "created after all";
  // Killed, or a person is asked after a step has lost its worker again and again: somebody goes on.
  if (signal === "SIGKILL" || /lost its worker \d+ times/.test(said)) return "go on";
  return { stuck: `code ${code} ${signal ?? ""}: ${said.slice(0, 2_000)}` };
}

/** Resumes until the run is through; what keeps it from that, or undefined. */
export async function finish(sample: Sample, kept: Kept, place: Place): Promise<string | undefined> {
  let args = goOn(kept);
  for (let tries = 0; tries < 6; tries += 1) {
    const progress = progressOf(await sample.cli(args, place));
    if (progress === "completed") return undefined;
    if (typeof progress === "object") return progress.stuck;
    args = progress === "never created" ? begin(sample, kept) : goOn(kept);
  }
  return "still not completed after six starts";
}

/** Does the work for every item, two at a time: what a small runner has cores for. */
export async function inPairs<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  const queue = [...items.entries()];
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) await work(next[1], next[0]);
  };
  await Promise.all([lane(), lane()]);
}

function fail(why: string): never {
  throw new Error(`The scenario cannot be: ${why}.`);
}
