import type { ValueMap } from "./brand.ts";
import type { Result } from "./problem.ts";

/**
 * A phase document: fields under contract, and a Markdown body for people (requirements C19). A `.yaml` document has
 * no body; a `.md` document has its fields as YAML front matter.
 */
export interface Document {
  readonly fields: ValueMap;
  readonly body: string;
}

/** The nine documents of the development cycle, by the file name without its ending. */
export const documentNames = [
  "task-input",
  "triage-plan",
  "user-responses",
  "state",
  "feedback",
  "validation-strategy",
  "verification-results",
  "assumption-analysis",
  "recommended-fix",
] as const;
export type DocumentName = (typeof documentNames)[number];

/** What a document must look like. `formats` makes contracts from the published JSON Schemas; core only calls them. */
export interface Contract {
  readonly name: DocumentName;
  /** The file name an agent writes: `triage-plan.yaml`, `state.md`. */
  readonly file: string;
  /** Text to document; every problem says where in the text, what was expected and what was received. */
  read(text: string): Result<Document>;
  /** Document to text; `read` gives the same document back. */
  write(document: Document): string;
}

/** Where a document lives on the run's branch (design: "Files of a run"). `visit` counts from 1. */
export function documentPath(contract: Pick<Contract, "name" | "file">, visit: number): string {
  switch (contract.name) {
    case "state":
      return `execute/iter-${visit}/state.md`;
    case "validation-strategy":
      return "pre-verify/validation-strategy.md";
    case "verification-results":
      return `verify/attempt-${visit}/verification-results.md`;
    case "assumption-analysis":
    case "recommended-fix":
      return `devils-advocate/${visit}/${contract.file}`;
    case "task-input":
    case "triage-plan":
    case "user-responses":
    case "feedback":
      return contract.file;
  }
}

/** The text under one heading of a document's body, or undefined. */
export function sectionOf(document: Document | undefined, heading: string): string | undefined {
  const lines = document?.body.split("\n") ?? [];
  const start = lines.findIndex((line) => /^#{1,3}\s/.test(line) && line.replace(/^#+\s*/, "").trim() === heading);
  if (start < 0) return undefined;
  const rest = lines.slice(start + 1);
  const length = rest.findIndex((line) => /^#{1,2}\s/.test(line));
  return (length < 0 ? rest : rest.slice(0, length)).join("\n").trim();
}
