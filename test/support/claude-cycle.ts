import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import type { Edit, Turn as Recorded } from "../../src/adapters/agent/script.ts";
import { readScript } from "../../src/adapters/agent/script-reader.ts";
import { parseYaml } from "../../src/formats/yaml.ts";
import type { ModelServer, Turn } from "./model-server.ts";
import { edit, modelKey, read, write } from "./real-claude.ts";
import { recording, type Sample, type Where } from "./sample.ts";

/** Texts of the prompts that stand in those of one skill, or of one visit of it, and in no other. */
const markers: Readonly<Record<string, (visit: number) => string>> = {
  triage: () => "# Triage\n",
  execute: (visit) => `, iteration ${visit}.`,
  "pre-verify": () => "# Pre-verify\n",
  verify: () => "# Verify\n",
  "devils-advocate": () => "# Devil's advocate\n",
};

export function markerOf(skill: string, visit = 1): string {
  const marker = markers[skill]?.(visit);
  if (marker === undefined) throw new Error(`Nothing is known to mark the prompts of ${skill}`);
  return marker;
}

export type Conversations = Readonly<Record<string, readonly Turn[]>>;

/** The recording of the third example as what a model says to a real agent, by the marker of each conversation. */
export function tokenRefreshConversations(): Conversations {
  const parsed = parseYaml(recording("token-refresh"), "script.yaml");
  const script = parsed.ok ? readScript(parsed.value) : parsed;
  if (!script.ok) throw new Error(script.problems.map(({ what }) => what).join(" "));
  return Object.fromEntries(
    script.value.turns.map((turn) => [markerOf(turn.skill ?? "", turn.visit), conversationOf(turn)]),
  );
}

/** A recorded turn, with the tools of the real program. */
const conversationOf = ({ skill, edits, documents }: Recorded): readonly Turn[] => [
  ...edits.flatMap(editsOf),
  ...Object.entries(documents).map(([file, text]) => write(`.perdure/out/${file}`, text)),
  { text: `This was ${skill}.` },
];

function editsOf(change: Edit): readonly Turn[] {
  if (change.kind !== "replace") throw new Error("The example only replaces");
  return [read(change.path), ...change.replace.map((one) => edit(change.path, one.find, one.with))];
}

/** What Perdure is given on a machine of these tests, and no agent may see. */
export const ourSecrets: Readonly<Record<string, string>> = {
  GITHUB_TOKEN: "ghs_aTokenOfOursThatNoAgentMaySee0123456",
  ACTIONS_RUNTIME_TOKEN: "an-actions-token-of-ours",
  PERDURE_TOKEN: "a-perdure-token-of-ours",
};

/** A machine with the real Claude Code on its PATH: its own home, work trees and temporary files. */
export interface Machine {
  readonly home: string;
  readonly where: Where;
  /** The environment of every agent that was started here, in order of their process ids. */
  agents(): readonly SeenAgent[];
}

export interface SeenAgent {
  readonly pid: number;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Setup {
  readonly name: string;
  readonly binary: string;
  readonly model: Pick<ModelServer, "url">;
  /** More variables of Perdure's. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What is done before the program starts, as shell. */
  readonly before?: string;
}

export function aMachine(sample: Sample, { name, binary, model, environment = {}, before = ":" }: Setup): Machine {
  const folder = join(sample.folder, name);
  const home = join(folder, "person");
  const seen = join(folder, "agents");
  const temporary = join(folder, "tmp");
  for (const one of [home, seen, temporary, join(folder, "disk")]) mkdirSync(one, { recursive: true });
  // Where Perdure keeps its things is a link on many machines.
  symlinkSync(join(folder, "disk"), join(folder, "perdure"));
  // What a person has on the PATH, and it notes down who was started. `--version` is Perdure looking whether it is there.
  const program = sample.put(
    `${name}/bin/claude`,
    `#!/bin/sh\n[ "$1" = --version ] || { env > "${seen}/$$"; ${before}; }\nexec "${binary}" "$@"\n`,
  );
  chmodSync(program, 0o755);
  return {
    home,
    where: {
      home: join(folder, "perdure"),
      limitMs: 100_000,
      environment: {
        ...ourSecrets,
        PATH: `${join(folder, "bin")}:${process.env["PATH"]}`,
        HOME: home,
        TMPDIR: temporary,
        ANTHROPIC_BASE_URL: model.url,
        ANTHROPIC_API_KEY: modelKey,
        ...environment,
      },
    },
    agents: () =>
      readdirSync(seen)
        .map(Number)
        .sort((a, b) => a - b)
        .map((pid) => ({ pid, environment: variablesIn(readFileSync(join(seen, String(pid)), "utf8")) })),
  };
}

const variablesIn = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text
      .trimEnd()
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );

/** The conversations that the program itself keeps on a machine, for whoever wants to open one again. */
export function keptConversations(configuration: string): readonly string[] {
  const projects = join(configuration, "projects");
  return (existsSync(projects) ? readdirSync(projects, { recursive: true, encoding: "utf8" }) : [])
    .filter((path) => path.endsWith(".jsonl"))
    .map((path) => readFileSync(join(projects, path), "utf8"));
}

/** The session of a step as it is on the run's branch, unpacked; undefined while there is none. */
export function sessionOn(repository: string, run: string, step: string): string | undefined {
  try {
    const packed = execFileSync("git", ["show", `perdure/runs/${run}:sessions/${step}.gz`], {
      cwd: repository,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return gunzipSync(packed).toString();
  } catch {
    return undefined;
  }
}

/** Waits for something that another process brings about; gives what was found. */
export async function eventually<T>(find: () => T | undefined | Promise<T | undefined>, ms = 60_000): Promise<T> {
  for (const end = Date.now() + ms; ; await sleep(50)) {
    const found = await find();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error("It did not happen");
  }
}
