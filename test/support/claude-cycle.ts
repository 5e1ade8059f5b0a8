import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Edit, Turn as Recorded } from "../../src/adapters/agent/script.ts";
import { readScript } from "../../src/adapters/agent/script-reader.ts";
import { parseYaml } from "../../src/formats/yaml.ts";
import type { Turn } from "./model-server.ts";
import { edit, read, write } from "./real-claude.ts";
import { recording, type Sample } from "./sample.ts";

/** What stands in the prompt of a skill at a visit, and in no other prompt of the development cycle. */
const markers: Readonly<Record<string, (visit: number) => string>> = {
  triage: () => "# Triage\n",
  execute: (visit) => `, iteration ${visit}.`,
  "pre-verify": () => "# Pre-verify\n",
  verify: () => "# Verify\n",
  "devils-advocate": () => "# Devil's advocate\n",
};

/** The third example as the model's part in conversations with a real agent, by the marker of each. */
export function tokenRefreshConversations(): Readonly<Record<string, readonly Turn[]>> {
  const parsed = parseYaml(recording("token-refresh"), "script.yaml");
  const script = parsed.ok ? readScript(parsed.value) : parsed;
  if (!script.ok) throw new Error(script.problems.map(({ what }) => what).join(" "));
  return Object.fromEntries(
    script.value.turns.map((turn) => [markerOf(turn.skill ?? "", turn.visit ?? 1), conversationOf(turn)]),
  );
}

export function markerOf(skill: string, visit = 1): string {
  const marker = markers[skill]?.(visit);
  if (marker === undefined) throw new Error(`Nothing in the prompt of ${skill} is known to mark it`);
  return marker;
}

/** A recorded turn with the tools of the real program: look, change, write the documents, say something. */
const conversationOf = ({ skill, edits, documents }: Recorded): readonly Turn[] => [
  ...edits.flatMap(editsOf),
  ...Object.entries(documents).map(([file, text]) => write(`.perdure/out/${file}`, text)),
  { text: `${skill}: done.` },
];

function editsOf(change: Edit): readonly Turn[] {
  if (change.kind !== "replace") throw new Error(`The example is not expected to ${change.kind} a file`);
  return [read(change.path), ...change.replace.map((one) => edit(change.path, one.find, one.with))];
}
