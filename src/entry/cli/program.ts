import { Command, CommanderError, Option } from "commander";
import { showConfig } from "./commands/config.ts";
import { demo } from "./commands/demo.ts";
import { doctor } from "./commands/doctor.ts";
import { inspect } from "./commands/inspect.ts";
import { logs } from "./commands/logs.ts";
import { resume, run } from "./commands/run.ts";
import { runs, status } from "./commands/show.ts";
import { answer, cancel, note, pause } from "./commands/tell.ts";
import { watch } from "./commands/watch.ts";
import type { Common, Options } from "./common.ts";
import { exitCode } from "./exit-codes.ts";
import type { Output } from "./output.ts";

/** One command: how it is typed, and what does it. Heavy libraries are loaded where they are used, not here. */
interface Entry {
  readonly usage: string;
  readonly about: string;
  readonly options?: readonly (readonly [flags: string, about: string])[];
  /** Options nobody declared are inputs of the workflow: `--env staging`. */
  readonly inputs?: true;
  readonly does: (common: Common, args: readonly string[], options: Options) => Promise<number>;
}

const start = [
  ["--task <text>", "what is to be done; the first line is the title"],
  ["--title <text>", "the title of the task"],
  ["--description <text>", "the description of the task"],
  ["--branch <name>", "the branch that the verified work goes to"],
  ["--priority <level>", "low, medium, high or critical"],
] as const;
const work = [
  ["--agent <name>", "claude-code, command or scripted"],
  ["--agent-config <key=value>", "given to the agent, for example command=./my-agent"],
  ["--script <file>", "the recording of a scripted agent"],
  ["--budget <usd>", "stop and ask when the run has cost this much"],
] as const;

/** The command line, from which help, parsing and docs follow. */
export const commands: readonly Entry[] = [
  {
    usage: "run [name]",
    about: "start a workflow, or the development cycle with --task",
    inputs: true,
    options: [...start, ...work, ["--run <id>", "the id of the new run"], ["--base <ref>", "the commit to begin at"]],
    does: run,
  },
  {
    usage: "resume [run]",
    about: "go on from the last completed step",
    options: [...work, ["--take-over", "when the holder is on a machine that nobody can look at"]],
    does: resume,
  },
  {
    usage: "pause [run]",
    about: "stop after the current step; everything is kept",
    options: [["--now", "stop the current step too"]],
    does: pause,
  },
  {
    usage: "cancel [run]",
    about: "stop for good; the work is kept and can be resumed",
    options: [["--now", "stop the current step too"]],
    does: cancel,
  },
  {
    usage: "answer [run] [answers...]",
    about: "answer open questions: 1=redis q2='defer it'",
    options: [["--defaults", "take the defaults of what is not answered"]],
    does: answer,
  },
  {
    usage: "note <run> <text...>",
    about: "tell the agent something for its next iteration",
    does: note,
  },
  {
    usage: "status [run]",
    about: "where a run is, and what to type next",
    does: status,
  },
  { usage: "runs", about: "every run of this repository", does: runs },
  {
    usage: "inspect [run]",
    about: "everything about a run: attempts, documents, questions, checkpoints, journal",
    options: [["--step <key>", "only this step"]],
    does: inspect,
  },
  {
    usage: "watch [run]",
    about: "follow a run until it rests",
    options: [["-n, --interval <seconds>", "how often to look; default 5"]],
    does: watch,
  },
  {
    usage: "logs [run]",
    about: "the journal as lines",
    options: [["-f, --follow", "go on until the run rests"]],
    does: logs,
  },
  {
    usage: "doctor",
    about: "what this machine and repository have, and what is missing",
    does: doctor,
  },
  {
    usage: "config [show]",
    about: "the configuration in force, and where it comes from",
    does: showConfig,
  },
  {
    usage: "demo",
    about: "see a run fail, argue with itself, be killed, and finish",
    options: [["--agent <name>", "scripted, or claude-code for the real one"]],
    does: demo,
  },
];

/** Runs the command that the arguments name; gives its exit code. */
export async function program(args: readonly string[], out: Output): Promise<number> {
  let code: number = exitCode.completed;
  const root = new Command("perdure")
    .description("Durable agent workflows: kill anything at any moment, and it carries on.")
    .helpCommand("help [command]", "help for a command")
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(text), outputError: (text, write) => write(text) });
  for (const entry of commands) {
    const command = root.command(entry.usage).description(entry.about).exitOverride();
    command
      .option("--repo <dir>", "another repository", process.cwd())
      .option("--json", "data instead of text")
      .option("--remote <name>", "keep the run on this remote of the repository");
    for (const [flags, about] of entry.options ?? []) command.addOption(repeatable(new Option(flags, about)));
    if (entry.inputs) command.allowUnknownOption().allowExcessArguments();
    command.action(async () => {
      const { repo, remote, ...options } = command.opts<Options>();
      const common = { repo: String(repo), out, ...(typeof remote === "string" && { remote }) };
      code = await entry.does(common, command.args, options);
    });
  }
  try {
    await root.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.completed : exitCode.usage;
    throw error;
  }
}

const repeatable = (option: Option): Option =>
  option.long === "--agent-config"
    ? option.argParser((value, previous: string | undefined) =>
        previous === undefined ? value : `${previous}\n${value}`,
      )
    : option;
