import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { unreachable, type Value } from "../../core/brand.ts";
import { ok, type Result } from "../../core/problem.ts";
import { nothingSpent } from "../../core/spending.ts";
import type { Located } from "../../formats/located.ts";
import type { Agent, AgentProgress, AgentTask } from "../../ports/agent.ts";
import { type Failed, failed, systemFailure } from "./ending.ts";
import { inside, insideFolder } from "./inside.ts";
import { type Edit, replaced, type Script, type Turn, turnFor, turnName } from "./script.ts";

/**
 * Plays a recording: no model, no process, the same result every time. Configuration: `script`, the path of a YAML or
 * JSON file (a relative one is looked for in the work tree), or the script itself.
 *
 * A turn that is played again after a kill leaves the same files: what it did is found to be done.
 */
export const scriptedAgent = (): Agent => ({
  name: "scripted",
  label: "scripted (recorded, no model)",
  async run(task, signal, onProgress) {
    // Nothing is kept between turns: the script knows by itself where to go on.
    const warnings = task.session === undefined ? [] : ["A script keeps no session; the agent started afresh."];
    const script = await scriptOf(task).catch(systemFailure);
    if ("kind" in script) return { outcome: script, spending: nothingSpent, warnings };
    const turn = turnFor(script, task.skill, task.visit);
    if (!turn) return { outcome: noTurn(script, task), spending: nothingSpent, warnings };
    const stopped = await played(turn, task, signal, onProgress);
    const fault = stopped ?? (await apply(turn, task).catch(systemFailure));
    const spending = stopped ? nothingSpent : turn.spending;
    if (!fault) onProgress({ kind: "spent", spending });
    return { outcome: fault ?? turn.outcome, spending, warnings };
  },
});

async function scriptOf(task: AgentTask): Promise<Script | Failed> {
  // Reading scripts is for those who use them: it loads the parser.
  const { readScript } = await import("./script-reader.ts");
  const located = await locatedOf(task);
  if ("kind" in located) return located;
  const script = located.ok ? readScript(located.value) : located;
  if (script.ok) return script.value;
  const lines = script.problems.map(
    ({ what, where, expected }) =>
      `${where?.line ?? "?"}:${where?.column ?? "?"} ${what}${expected === undefined ? "" : ` Expected ${expected}.`}`,
  );
  return failed("refused", "The script of the agent `scripted` cannot be read.", lines.join("\n"));
}

async function locatedOf(task: AgentTask): Promise<Result<Located> | Failed> {
  const script = task.config["script"];
  if (typeof script === "object" && script !== null) return ok({ value: script as Value, place: () => ({}) });
  if (typeof script !== "string") {
    return failed("refused", "The agent `scripted` needs `script`: the path of a recording, or the recording itself.");
  }
  const path = isAbsolute(script) ? script : join(task.directory, script);
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined)
    return failed("refused", "The script of the agent `scripted` is not there, or cannot be read.");
  const { parseYaml } = await import("../../formats/yaml.ts");
  return parseYaml(text, "script");
}

const noTurn = (script: Script, { skill, visit }: AgentTask): Failed => {
  const there = script.turns.map((turn) => turnName(turn.skill, turn.visit)).join("; ");
  const message = `The script has no turn for ${turnName(skill, visit)}. It has: ${there === "" ? "none" : there}.`;
  return failed("refused", message);
};

/** Shows what the turn does and takes its time; the failure when it was stopped on the way. */
async function played(
  turn: Turn,
  { limits }: AgentTask,
  signal: AbortSignal,
  onProgress: (progress: AgentProgress) => void,
): Promise<Failed | undefined> {
  const interrupted = failed("interrupted", "The recorded turn was stopped.");
  if (signal.aborted) return interrupted;
  const steps: readonly (string | undefined)[] = turn.doing.length === 0 ? [undefined] : turn.doing;
  const time = Math.min(turn.delayMs, limits.timeoutMs);
  for (const text of steps) {
    if (text !== undefined) onProgress({ kind: "doing", text });
    const isOver = await sleep(time / steps.length, false, { signal }).catch(() => true);
    if (isOver) return interrupted;
  }
  return turn.delayMs > limits.timeoutMs ? failed("timeout", "The recorded turn took too long.") : undefined;
}

/** Makes the edits and writes the documents; a turn that fails by its script has done them, as a real agent may have. */
async function apply(turn: Turn, task: AgentTask): Promise<Failed | undefined> {
  for (const edit of turn.edits) {
    const fault = await applyEdit(edit, task.directory);
    if (fault) return fault;
  }
  for (const [file, text] of Object.entries(turn.documents)) {
    const target = await insideFolder(task.directory, task.outputs, file);
    const fault = target === undefined ? outside(file) : await write(target, text);
    if (fault) return fault;
  }
  return undefined;
}

async function applyEdit(edit: Edit, directory: string): Promise<Failed | undefined> {
  const path = await inside(directory, edit.path);
  if (path === undefined) return outside(edit.path);
  switch (edit.kind) {
    case "write":
      return write(path, edit.content);
    case "delete":
      await rm(path, { recursive: true, force: true });
      return undefined;
    case "replace": {
      const before = await readFile(path, "utf8").catch(() => undefined);
      if (before === undefined) return failed("refused", `The script edits \`${edit.path}\`, which is not there.`);
      const after = replaced(before, edit.replace);
      if ("fault" in after) return failed("refused", `The script cannot edit \`${edit.path}\`: ${after.fault}.`);
      return after.text === before ? undefined : write(path, after.text);
    }
    default:
      return unreachable(edit);
  }
}

/** In one move, so that a kill in the middle leaves the file as it was, and with the mode that it had. */
async function write(path: string, content: string): Promise<undefined> {
  await mkdir(dirname(path), { recursive: true });
  const before = await stat(path).catch(() => undefined);
  const beside = join(dirname(path), `.${basename(path)}.perdure`);
  await writeFile(beside, content);
  if (before) await chmod(beside, before.mode);
  await rename(beside, path);
  return undefined;
}

const outside = (path: string): Failed => failed("refused", `The script leads out of the work tree: \`${path}\`.`);
