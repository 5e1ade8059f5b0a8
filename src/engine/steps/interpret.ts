import type { ValueMap } from "../../core/brand.ts";
import type { Action } from "../../core/definition.ts";
import type { Document } from "../../core/document.ts";
import { visitOfKey } from "../../core/event.ts";
import type { Spending } from "../../core/spending.ts";
import type { Tree } from "../../ports/workspace.ts";
import type { Attempt } from "../worker.ts";
import { runAgent } from "./agent-task.ts";
import { layBriefing, promptScope } from "./briefing.ts";
import { inFolder, layExpectations, receive } from "./exchange.ts";

export interface Interpretation {
  readonly document: Document;
  readonly spending?: Spending;
  readonly warnings: readonly string[];
}

/** The only words an agent may add to a check's result; status, exit code and fingerprint stay what was measured. */
const readings = ["hypothesis", "recommended_fix", "location"] as const;

/** Failures read by the skill that the step names. Whatever goes wrong here leaves the measured results as they are. */
export async function interpret(
  attempt: Attempt,
  action: Action & { type: "checks" },
  tree: Tree,
  raw: Document,
): Promise<Interpretation> {
  const { worker, key } = attempt;
  const state = worker.ledger.state();
  const skill = action.interpret === undefined ? undefined : worker.kit.skills.get(action.interpret);
  const agent = skill && worker.ports.agent(action.agent ?? state.agent);
  if (!skill || !agent || raw.fields["status"] === "passed") return { document: raw, warnings: [] };
  if (!agent.ok) return { document: raw, warnings: agent.problems.map((p) => p.what) };
  const visit = visitOfKey(key);
  const contract = worker.kit.contracts["verification-results"];
  const briefed = await layBriefing(attempt, tree, skill, visit);
  const path = `${inFolder}/${contract.file}`;
  await worker.ports.scratch.put(tree.directory, path, contract.write(raw));
  const present = [...briefed.filter((one) => one.path !== path), { name: contract.name, path }];
  const expected = await layExpectations(worker, tree, skill.outputs);
  const prompt = skill.prompt.render(await promptScope(attempt, { visit, present, expected, errors: [] }));
  if (!prompt.ok) return { document: raw, warnings: [`The failures were not interpreted: ${prompt.message}`] };
  const result = await runAgent(attempt, tree, {
    agent: agent.value,
    skill,
    visit,
    prompt: prompt.value,
    config: state.agentConfig,
  });
  const received = await receive(worker, tree, skill.outputs);
  if ((await tree.changed(state.head)).length > 0) await tree.reset(state.head);
  const reading = received.documents.get("verification-results")?.document;
  const why = result.outcome.kind === "failed" ? result.outcome.message : received.problems[0]?.what;
  return {
    document: reading ? withReadings(raw, reading) : raw,
    spending: result.spending,
    warnings: [
      ...result.warnings,
      ...(reading ? [] : [`The failures were not interpreted: ${why ?? "nothing was written"}`]),
    ],
  };
}

function withReadings(raw: Document, reading: Document): Document {
  const read = (reading.fields["checks"] ?? []) as readonly ValueMap[];
  const checks = ((raw.fields["checks"] ?? []) as readonly ValueMap[]).map((check) => {
    const words = read.find((other) => other["id"] === check["id"]);
    return {
      ...check,
      ...Object.fromEntries(
        readings.flatMap((name) => (typeof words?.[name] === "string" ? [[name, words[name]]] : [])),
      ),
    };
  });
  const body =
    reading.body.trim() === ""
      ? raw.body
      : `${raw.body.trimEnd()}\n\n## Interpretation\n\n${reading.body.trim().replace(/^#/gm, "###")}\n`;
  return { fields: { ...raw.fields, checks }, body };
}
