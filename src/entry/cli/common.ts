import type { Output } from "./output.ts";

/** Options that every command has. */
export interface Common {
  readonly repo: string;
  readonly remote?: string;
  readonly out: Output;
}

/** The options of one command, as they were typed. */
export type Options = Readonly<Record<string, string | boolean | undefined>>;
