import { randomBytes } from "node:crypto";
import { processOwners } from "../../../adapters/owners/process.ts";
import { type RunId, runIdOf, type ValueMap } from "../../../core/brand.ts";
import type { Config } from "../../../core/config.ts";
import { ProblemError, problem } from "../../../core/problem.ts";
import { isBlocking } from "../../../core/question.ts";
import { isResting } from "../../../core/state.ts";
import type { Task } from "../../../core/task.ts";
import { createRun } from "../../../engine/create.ts";
import { tell } from "../../../engine/tell.ts";
import { compile } from "../../kit.ts";
import { chosenAgent, inputsFrom } from "../arguments.ts";
import type { Common, Options } from "../common.ts";
import { exitCode } from "../exit-codes.ts";
import { findConfig, findDefinition, findSkillIn } from "../find.ts";
import { findLoaded, inPlace, type Place, pinnedPlan, remember } from "../place.ts";
import { agentCalled, isInstalled, type Taken, take, work, workspaceIn } from "../work.ts";

/** Starts a run and works at it. */
export const run = (common: Common, words: readonly string[], options: Options): Promise<number> =>
  inPlace(common, async (place) => {
    const { config } = await findConfig(place.directory);
    const name = words[0]?.startsWith("-") === false && !words[0].includes("=") ? words[0] : undefined;
    const task = taskOf(options);
    if (name === undefined && task === undefined) {
      throw new ProblemError(
        problem("nothing-to-do", "Neither a workflow nor a task was given.", {
          fix: 'perdure run --task "what is to be done", or perdure run NAME',
        }),
      );
    }
    const inputs = inputsFrom(name === undefined ? words : words.slice(1));
    const taken = await start(place, common, { config, inputs, options, task, name: name ?? config.defaultWorkflow });
    return work(place, common.out, taken, { checkpointSeconds: config.checkpointSeconds });
  });

interface Start {
  readonly name: string;
  readonly task: Task | undefined;
  readonly inputs: ValueMap;
  readonly config: Config;
  readonly options: Options;
}

async function start(place: Place, { out }: Common, { name, task, inputs, config, options }: Start): Promise<Taken> {
  const source = findDefinition(place.directory, name);
  const compiled = await compile(source, inputs, findSkillIn(place.directory));
  if (!compiled.ok) throw new ProblemError(...compiled.problems);
  const { definition, files, hash, warnings, kit } = compiled.value;
  out.problems(out.json ? [] : warnings);
  const needsAgent =
    kit.skills.size > 0 || definition.phases.some((phase) => phase.steps.some((step) => step.action.type === "agent"));
  const { agent, agentConfig } = await chosenAgent(config, options, needsAgent ? isInstalled : () => true);
  const known = agentCalled(agent);
  if (needsAgent && !known.ok) throw new ProblemError(...known.problems);
  const base = await workspaceIn(place).base(typeof options["base"] === "string" ? options["base"] : undefined);
  if (base.dirty.length > 0) {
    out.note(
      `Your uncommitted changes are not part of the run (${base.dirty.slice(0, 3).join(", ")}${base.dirty.length > 3 ? " …" : ""}); it begins at ${base.commit.slice(0, 12)}.`,
    );
  }
  const id = idOf(options["run"], definition.name);
  const created = await createRun(place, {
    run: id,
    definition,
    pinned: { name: definition.name, version: definition.version, source: source.name, hash, file: "workflow.yaml" },
    task: { ...(task ?? { ...noTask, title: definition.description || definition.name }), id, target: base.branch },
    inputs: kit.plan.inputs,
    trigger: { kind: "manual", by: place.by },
    base: base.commit,
    agent,
    agentConfig,
    limits: limitsOf(config, options),
    files,
    owner: processOwners().self,
  });
  if (created.kind === "exists")
    throw new ProblemError(problem("run-exists", `There is a run \`${id}\` already.`, { fix: `perdure resume ${id}` }));
  out.note(
    `Run ${id} of ${definition.name} ${definition.version} begins at ${base.commit.slice(0, 12)}${needsAgent ? ` with ${agent}` : ""}.`,
  );
  remember(place, id, compiled.value);
  return { ...created, kind: "claimed" };
}

/** Goes on with a run: whoever held it is gone, or it was stopped, or it asked and was answered. */
export const resume = (common: Common, [name]: readonly string[], options: Options): Promise<number> =>
  inPlace(common, async (place) => {
    const { config } = await findConfig(place.directory);
    const found = await findLoaded(place, name);
    const usd = options["budget"] === undefined ? undefined : dollars(options["budget"]);
    const command = { verb: "resume", ...(usd !== undefined && { usd }) } as const;
    // A run that was only interrupted needs nobody's word to go on, and what was loaded of it is still true.
    const asIs = !isResting(found.state.status) && usd === undefined && !found.state.questions.some(isBlocking);
    if (!asIs) {
      const told = await tell(
        { ...place, planOf: (one) => pinnedPlan(place, one) },
        { run: found.state.run, by: place.by, command },
      );
      if (!told.ok) {
        common.out.problems(told.problems);
        return exitCode.refused;
      }
    }
    const taken = await take(place, common.out, found.state.run, {
      takeOver: options["takeOver"] === true,
      ...(asIs && { known: found.loaded }),
    });
    return taken ? work(place, common.out, taken, { checkpointSeconds: config.checkpointSeconds }) : exitCode.refused;
  });

const noTask: Task = { id: "", title: "", description: "", priority: "medium", labels: [], branch: "", target: "" };
const priorities = ["low", "medium", "high", "critical"] as const;

function taskOf(options: Options): Task | undefined {
  const text = (key: string): string => (typeof options[key] === "string" ? options[key] : "");
  const [first = "", ...rest] = text("task").split("\n");
  const title = text("title") || first;
  if (title.trim() === "") return undefined;
  const priority = priorities.find((known) => known === (text("priority") || "medium"));
  if (!priority)
    throw new ProblemError(
      problem("bad-option", "The priority is not one of ours.", {
        expected: priorities.join(", "),
        received: text("priority"),
      }),
    );
  return {
    ...noTask,
    title: title.trim().slice(0, 200),
    description: text("description") || rest.join("\n").trim() || (title.length > 200 ? title : ""),
    priority,
    branch: text("branch"),
  };
}

function idOf(given: string | boolean | undefined, definition: string): RunId {
  const id = runIdOf(
    typeof given === "string" ? given : `${definition.slice(0, 48)}-${randomBytes(2).toString("hex")}`,
  );
  if (!id)
    throw new ProblemError(
      problem("bad-run-id", "The id of a run is a word of small letters, digits and hyphens.", {
        expected: "[a-z0-9][a-z0-9-]*, at most 64 characters",
        received: String(given),
      }),
    );
  return id;
}

/** The command line over the configuration; what neither says is the definition's to say. */
function limitsOf(config: Config, options: Options): { readonly usd?: number; readonly autoResume?: number } {
  const usd = options["budget"] === undefined ? config.usd : dollars(options["budget"]);
  return {
    ...(usd !== undefined && { usd }),
    ...(config.autoResume !== undefined && { autoResume: config.autoResume }),
  };
}

function dollars(given: string | boolean): number {
  const usd = Number(String(given).replace(/^\$/, ""));
  if (!(usd > 0))
    throw new ProblemError(
      problem("bad-option", "The budget is not an amount.", {
        expected: "US dollars, such as 5",
        received: String(given),
      }),
    );
  return usd;
}
