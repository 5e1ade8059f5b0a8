// Made by scripts/validators.mjs from schemas/. Do not edit.
/** Names of the published schemas. */
export type SchemaName =
  | "assumption-analysis"
  | "config"
  | "definition"
  | "feedback"
  | "recommended-fix"
  | "skill"
  | "state"
  | "task-input"
  | "triage-plan"
  | "user-responses"
  | "validation-strategy"
  | "verification-results";

/** One thing that does not fit a schema, as ajv says it. */
export interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly propertyName?: string;
  readonly message?: string;
  readonly schema?: unknown;
  readonly parentSchema?: Readonly<Record<string, unknown>>;
  readonly data?: unknown;
}

/** Says whether a value fits; what does not is in `errors` until the next call. */
export interface Validator {
  (value: unknown): boolean;
  readonly errors?: readonly SchemaError[] | null;
}

export declare const validators: Readonly<Record<SchemaName, Validator>>;
