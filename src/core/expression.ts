import type { Value, ValueMap } from "./brand.ts";

/**
 * What expressions and templates can see. Plain data, built anew from the state for every evaluation; nothing in it is
 * a function, so neither can do anything but read.
 */
export type Scope = ValueMap;

/** A condition, compiled by `formats` from GitHub's expression language. Never throws: a fault is a value too. */
export interface Expression {
  readonly source: string;
  evaluate(scope: Scope): Evaluation<Value>;
}

/** A text with `{{ holes }}`, compiled by `formats`. Never throws. */
export interface Template {
  readonly source: string;
  render(scope: Scope): Evaluation<string>;
}

/**
 * A command line with `{{ holes }}`. A value never becomes part of it: it goes into a variable that the command names,
 * so that no text of an issue, a comment or an agent can turn into a command. Never throws.
 */
export interface CommandTemplate {
  readonly source: string;
  render(scope: Scope): Evaluation<Command>;
}

export interface Command {
  readonly line: string;
  /** The values of the holes, by the names that stand in `line`. */
  readonly environment: Readonly<Record<string, string>>;
}

export type Evaluation<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

/** GitHub's truthiness: false, 0, empty text and null are false. */
export const isTruthy = (value: Value): boolean => value !== false && value !== 0 && value !== "" && value !== null;
