import type { DocumentName } from "./document.ts";
import type { Template } from "./expression.ts";

/**
 * A skill is a prompt with a contract: which documents go in, which must come out, what the agent may touch, and how
 * long and how much it may take. Shipped in `skills/`, overridable per repository, pinned into every run.
 */
export interface Skill {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** `read`: the agent may look but leaves the work tree as it was; `write`: its edits become a commit. */
  readonly access: "read" | "write";
  /** Permission patterns for commands (`Bash(git diff:*)`), as the agent knows them. */
  readonly tools: readonly string[];
  readonly inputs: readonly SkillDocument[];
  readonly outputs: readonly SkillDocument[];
  readonly timeoutMs: number;
  readonly turns?: number;
  readonly usd?: number;
  readonly model?: string;
  readonly prompt: Template;
  /** The file, verbatim: what is copied into the run. */
  readonly source: string;
}

export interface SkillDocument {
  readonly name: DocumentName;
  readonly required: boolean;
}
