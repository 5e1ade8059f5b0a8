/**
 * A problem is something a person must act on, as data: what is wrong, where, what was expected and received, and what
 * to do. Problems are returned, never thrown; the world failing is a port error, and a bug is a plain Error.
 */
export interface Problem {
  /** Stable, kebab-case, greppable: `unknown-key`, `dirty-tree`. Documents and tests refer to it. */
  readonly code: string;
  readonly severity: "error" | "warning";
  /** One sentence that names the thing. */
  readonly what: string;
  readonly where?: Place;
  readonly expected?: string;
  readonly received?: string;
  /** What to do next: a sentence or a command that can be copied. */
  readonly fix?: string;
}

/** A place in a text that people can open. Lines and columns begin at 1. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** The path inside a document, as people write it: `phases[1].steps[0].retry`. */
  readonly path?: string;
}

export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly warnings?: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export const ok = <T>(value: T): Result<T> => ({ ok: true, value });
export const refuse = (
  ...problems: readonly Problem[]
): { readonly ok: false; readonly problems: readonly Problem[] } => ({
  ok: false,
  problems,
});

/** An error problem from its code, its sentence and whatever else is known. */
export const problem = (code: string, what: string, more: Omit<Partial<Problem>, "code" | "what"> = {}): Problem => ({
  code,
  severity: "error",
  what,
  ...more,
});

/** A thrown carrier for problems that cross an async boundary; entry renders them, nobody else catches it. */
export class ProblemError extends Error {
  readonly problems: readonly Problem[];
  constructor(...problems: readonly Problem[]) {
    super(problems.map((p) => p.what).join("; "));
    this.name = "ProblemError";
    this.problems = problems;
  }
}
