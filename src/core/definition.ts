import type { StepId, Value } from "./brand.ts";
import type { DocumentName } from "./document.ts";
import type { CommandTemplate, Expression, Template } from "./expression.ts";
import type { RetryPolicy } from "./retry.ts";

/**
 * What a workflow file says, compiled: every shorthand resolved, every expression a function. One shape for every
 * surface (YAML, Markdown, the seeds' short forms): a surface is a parser in `formats`, never a case in here.
 */
export interface Definition {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /** Outputs of the run, evaluated when it completes. */
  readonly outputs: Readonly<Record<string, Expression>>;
  /** Given to every shell step and check; names only from the definition itself, values are templates. */
  readonly environment: Readonly<Record<string, Template>>;
  /** Names of variables that are let through from the caller's environment. */
  readonly passEnvironment: readonly string[];
  readonly limits: Limits;
  readonly phases: readonly Phase[];
}

export interface InputSpec {
  readonly type: "string" | "number" | "boolean" | "array" | "object";
  readonly description: string;
  readonly required: boolean;
  readonly default?: Value;
  readonly pattern?: string;
  readonly min?: number;
  readonly max?: number;
  readonly options?: readonly Value[];
}

/** What stops a run before it becomes expensive or endless; a configuration may lower or raise each. */
export interface Limits {
  /** US dollars for the whole run; undefined means no limit. */
  readonly usd?: number;
  /** Recoveries of one step from a lost worker before a person is asked (design: auto-resume, 3). */
  readonly autoResume: number;
  /** Milliseconds for the whole run, waiting excluded. */
  readonly timeoutMs?: number;
}
export const defaultLimits: Limits = { autoResume: 3 };

/** A group of steps that runs in one job. Phase n+1 begins when all of phase n is settled. */
export interface Phase {
  readonly id: string;
  readonly order: "sequential" | "parallel";
  /** Steps of this phase that may run at once; 1 when sequential. */
  readonly maxConcurrent: number;
  /** Stop starting steps of this phase after a failure. */
  readonly failFast: boolean;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly id: StepId;
  readonly name: string;
  readonly action: Action;
  /** Steps that must be settled well before this one; sequential order is already written out here. */
  readonly needs: readonly StepId[];
  readonly when?: Expression;
  readonly retry: RetryPolicy;
  /** Milliseconds for one attempt; its process group is killed when they are over. */
  readonly timeoutMs: number;
  /** Make a restorable, named point when this step completes. */
  readonly checkpoint: boolean;
  /** What an attempt of unknown outcome means: run it again, or ask a person (requirements C30). */
  readonly onAmbiguous: "retry" | "pause";
  /** What a failure means for the rest: `fail` stops the phase, `warn` and `continue` let it go on. */
  readonly onFailure: "fail" | "warn" | "continue";
  /** Named values made from the raw outputs of the step. */
  readonly outputs: Readonly<Record<string, Expression>>;
}

export type Action =
  | { readonly type: "shell"; readonly run: CommandTemplate; readonly environment: Readonly<Record<string, Template>> }
  | {
      readonly type: "agent";
      readonly agent?: string;
      readonly prompt: Template;
      readonly access: "read" | "write";
      readonly config: Readonly<Record<string, Value>>;
    }
  | {
      readonly type: "skill";
      readonly skill: string;
      readonly agent?: string;
      readonly config: Readonly<Record<string, Value>>;
    }
  /** Runs the commands of a document's `checks` itself; `interpret` names the skill that reads the failures. */
  | { readonly type: "checks"; readonly from: DocumentName; readonly interpret?: string; readonly agent?: string }
  | { readonly type: "assert"; readonly condition: Expression; readonly message: Template }
  | { readonly type: "approval"; readonly ask: Template; readonly context: Template }
  /** Hands the verified work over: the branch and the pull request. */
  | { readonly type: "deliver"; readonly title: Template; readonly branch: Template }
  | Repeat;

/**
 * Visits `steps` until `until` holds, at most `max` times. From the visit after `escalate.after` unsuccessful ones on,
 * the steps of `escalate` go before the body. Every visit's steps are steps of their own (`verify@2`).
 */
export interface Repeat {
  readonly type: "repeat";
  readonly steps: readonly Step[];
  readonly until: Expression;
  readonly max: number;
  readonly escalate?: { readonly after: number; readonly steps: readonly Step[] };
}

/** Every step of a definition with those inside repeats, in the order they are written. */
export function allSteps(definition: Pick<Definition, "phases">): readonly Step[] {
  const inside = (step: Step): readonly Step[] =>
    step.action.type === "repeat"
      ? [step, ...(step.action.escalate?.steps ?? []).flatMap(inside), ...step.action.steps.flatMap(inside)]
      : [step];
  return definition.phases.flatMap((phase) => phase.steps.flatMap(inside));
}
