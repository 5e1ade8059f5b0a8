/** Values that only a parser at the edge may mint, so that a plain string can never stand in for an identity. */
declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Identity of a run: `[a-z0-9][a-z0-9-]*`, at most 64 characters, safe as one segment of a branch name or path. */
export type RunId = Brand<string, "RunId">;
/** Identity of a step in its definition: `[A-Za-z][A-Za-z0-9_-]*`, unique in the whole definition (requirements C49). */
export type StepId = Brand<string, "StepId">;
/** One visit of a step: the step id, and `@n` when the step stands in a repeat (`verify@2`). */
export type StepKey = Brand<string, "StepKey">;
/** Milliseconds since the Unix epoch. No safety decision reads one (law J10). */
export type Instant = Brand<number, "Instant">;
/** A git object id in lower-case hex: 40 characters, or 64 in a SHA-256 repository. */
export type Oid = Brand<string, "Oid">;

/** Anything JSON can hold: inputs, outputs and document fields are made of it. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };
export type ValueMap = Readonly<Record<string, Value>>;

/** The `default` of every switch over a union: a new member fails the build here, not at three in the morning. */
export function unreachable(value: never): never {
  throw new Error(`Unreachable: ${JSON.stringify(value)}`);
}

const runIdPattern = /^[a-z0-9][a-z0-9-]{0,63}$/;
const oidPattern = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** The text as a run id, or undefined when it is not one. */
export const runIdOf = (text: string): RunId | undefined => (runIdPattern.test(text) ? (text as RunId) : undefined);
/** The text as an object id, or undefined when it is not one. */
export const oidOf = (text: string): Oid | undefined => (oidPattern.test(text) ? (text as Oid) : undefined);
/** A number of milliseconds as an instant. */
export const instantOf = (milliseconds: number): Instant => milliseconds as Instant;

/** The key of one visit of a step; a step outside every repeat has no visit. */
export const stepKeyOf = (id: StepId, visit?: number): StepKey =>
  (visit === undefined ? id : `${id}@${visit}`) as string as StepKey;
