import { execFileSync } from "node:child_process";
import { accessSync, constants, mkdirSync, statfsSync } from "node:fs";
import { processOwners } from "../../../adapters/owners/process.ts";
import { replay } from "../../../core/fold.ts";
import { describeOwner } from "../../../core/lease.ts";
import { type Problem, ProblemError } from "../../../core/problem.ts";
import { compile } from "../../kit.ts";
import type { Common } from "../common.ts";
import { exitCode } from "../exit-codes.ts";
import { asProblems } from "../failures.ts";
import { findConfig, findDefinition, findSkillIn } from "../find.ts";
import { openPlace, type Place } from "../place.ts";
import { isInstalled, workspaceIn } from "../work.ts";

/** One thing that was looked at. `missing` stops runs; `hint` does not. */
interface Finding {
  readonly name: string;
  readonly state: "fine" | "hint" | "missing";
  readonly text: string;
}

/** Looks at everything a run needs, and says what is missing before a run finds out. */
export async function doctor(common: Common): Promise<number> {
  const findings: Finding[] = [tool("git", "2.34"), node()];
  const place = await openPlace(common).catch((error: unknown) => {
    findings.push(broken("repository", error));
    return undefined;
  });
  if (place) {
    findings.push(...(await inRepository(place)));
    await place.close();
  }
  const marks = {
    fine: common.out.paint.good("✓"),
    hint: common.out.paint.busy("!"),
    missing: common.out.paint.bad("✗"),
  };
  common.out.data(findings);
  for (const { name, state, text } of findings) common.out.line(`${marks[state]} ${name.padEnd(12)} ${text}`);
  return findings.some(({ state }) => state === "missing") ? exitCode.failed : exitCode.completed;
}

async function inRepository(place: Place): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  const look = async (name: string, see: () => Promise<Omit<Finding, "name">>): Promise<void> => {
    found.push(
      await see().then(
        (finding) => ({ name, ...finding }),
        (error: unknown) => broken(name, error),
      ),
    );
  };
  await look("repository", async () => {
    const base = await workspaceIn(place).base();
    const dirt = base.dirty.length > 0 ? `; ${base.dirty.length} uncommitted paths are not part of a run` : "";
    return {
      state: base.dirty.length > 0 ? "hint" : "fine",
      text: `${base.branch === "" ? "detached head" : base.branch} at ${base.commit.slice(0, 12)}${dirt}`,
    };
  });
  await look("work trees", async () => {
    mkdirSync(place.home, { recursive: true });
    accessSync(place.home, constants.W_OK);
    const { bavail, bsize } = statfsSync(place.home);
    const gigabytes = (bavail * bsize) / 2 ** 30;
    return { state: gigabytes < 1 ? "hint" : "fine", text: `${gigabytes.toFixed(1)} GiB free where they are kept` };
  });
  await look("config", async () => {
    const { file } = await findConfig(place.directory);
    return { state: "fine", text: file ?? "defaults" };
  });
  await look("workflow", async () => {
    const { config } = await findConfig(place.directory);
    const source = findDefinition(place.directory, config.defaultWorkflow);
    const compiled = await compile(source, {}, findSkillIn(place.directory));
    if (!compiled.ok) throw new ProblemError(...compiled.problems);
    return { state: "fine", text: `${config.defaultWorkflow}: ${source.name}` };
  });
  await look("agent", async () => {
    const { config } = await findConfig(place.directory);
    if (config.agent !== undefined && config.agent !== "claude-code") return { state: "fine", text: config.agent };
    const key = process.env["ANTHROPIC_API_KEY"] !== undefined || process.env["CLAUDE_CODE_OAUTH_TOKEN"] !== undefined;
    if (!isInstalled("claude"))
      return {
        state: "hint",
        text: "claude is not on PATH; choose another with --agent, or install @anthropic-ai/claude-code",
      };
    return {
      state: key ? "fine" : "hint",
      text: key ? "claude, with a key" : "claude; no ANTHROPIC_API_KEY here, so it uses its own sign-in",
    };
  });
  await look("runs", async () => runsFinding(place));
  return found;
}

async function runsFinding(place: Place): Promise<Omit<Finding, "name">> {
  const owners = processOwners();
  const lost: string[] = [];
  const runs = await place.store.list();
  for (const run of runs) {
    const loaded = await place.store.load(run);
    const lease = loaded && replay(loaded.events)?.lease;
    if (lease && (await owners.liveness(lease.owner)) === "dead")
      lost.push(`${run} (${describeOwner(lease.owner)} is gone)`);
  }
  return lost.length > 0
    ? { state: "hint", text: `interrupted: ${lost.join(", ")}; perdure resume RUN` }
    : { state: "fine", text: `${runs.length}, every journal chains` };
}

const node = (): Finding => ({ name: "node", state: "fine", text: process.version });

function tool(name: string, least: string): Finding {
  try {
    const version = /\d+\.\d+/.exec(execFileSync(name, ["--version"], { encoding: "utf8" }))?.[0] ?? "0.0";
    const [major = 0, minor = 0] = version.split(".").map(Number);
    const [needMajor = 0, needMinor = 0] = least.split(".").map(Number);
    const enough = major > needMajor || (major === needMajor && minor >= needMinor);
    return { name, state: enough ? "fine" : "missing", text: enough ? version : `${version}, but ${least} is needed` };
  } catch {
    return { name, state: "missing", text: "not on PATH" };
  }
}

function broken(name: string, error: unknown): Finding {
  const problems: readonly Problem[] = error instanceof ProblemError ? error.problems : asProblems(error);
  const text = problems.map((one) => `${one.what}${one.fix === undefined ? "" : ` (${one.fix})`}`).join(" ");
  return { name, state: "missing", text: text === "" ? String(error) : text };
}
