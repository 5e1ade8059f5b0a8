import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Contract } from "../../src/core/document.ts";
import { refuse } from "../../src/core/problem.ts";
import type { AgentProgress, AgentResult, AgentTask } from "../../src/ports/agent.ts";

const noContract: Contract = {
  name: "triage-plan",
  file: "triage-plan.yaml",
  read: () => refuse(),
  write: () => "",
};

/** A task in a directory, with the folders for documents; every field can be told otherwise. */
export function aTask(directory: string, more: Partial<AgentTask> = {}): AgentTask {
  const task: AgentTask = {
    key: "run-1/triage/1",
    skill: "triage",
    visit: 1,
    prompt: "Plan the work.",
    directory,
    inputs: ".perdure/in",
    outputs: ".perdure/out",
    contracts: [{ contract: noContract, required: true }],
    access: "write",
    tools: [],
    environment: {},
    limits: { timeoutMs: 30_000 },
    graceMs: 2_000,
    config: {},
    ...more,
  };
  for (const folder of [task.inputs, task.outputs]) mkdirSync(join(directory, folder), { recursive: true });
  return task;
}

/** The class of a failure, or `done`. */
export const endOf = ({ outcome }: AgentResult): string => (outcome.kind === "done" ? "done" : outcome.class);

/** The texts of one kind of progress. */
export const doingOf = (progress: readonly AgentProgress[]): readonly string[] =>
  progress.flatMap((one) => (one.kind === "doing" ? [one.text] : []));
