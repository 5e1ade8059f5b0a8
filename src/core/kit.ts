import type { Contract, DocumentName } from "./document.ts";
import type { Plan } from "./plan.ts";
import type { Skill } from "./skill.ts";

/** Everything about a run that stays the same while it runs, read from what is pinned on its branch (law J7). */
export interface Kit {
  readonly plan: Plan;
  readonly skills: ReadonlyMap<string, Skill>;
  readonly contracts: Readonly<Record<DocumentName, Contract>>;
  /** What an agent is given to write a document by: the JSON Schema and an example, as text. */
  readonly guide: (name: DocumentName) => Guide;
}

export interface Guide {
  readonly schema: string;
  readonly example: string;
}
