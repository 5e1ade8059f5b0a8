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

export type Evaluation<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

/** GitHub's truthiness: false, 0, empty text and null are false. */
export const isTruthy = (value: Value): boolean => value !== false && value !== 0 && value !== "" && value !== null;
