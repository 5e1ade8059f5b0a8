import type { Oid, RunId, ValueMap } from "../core/brand.ts";
import type { RefChange } from "./store.ts";

/**
 * Hands verified work over, as a branch, and as a pull request where there is one.
 *
 * V1 Lookup, then act: delivering the same `key` again changes nothing and gives the same result.
 * V2 Commits that others put on the branch are never overwritten: that is a `Problem`, as a result with `refused`.
 */
export interface Delivery {
  deliver(request: DeliveryRequest): Promise<Delivered>;
}

export interface DeliveryRequest {
  readonly key: string;
  readonly run: RunId;
  readonly head: Oid;
  /** The branch that the work goes to; empty means the run's own work branch. */
  readonly branch: string;
  /** The branch that the work is meant for; may be empty. */
  readonly target: string;
  readonly title: string;
  readonly body: string;
}

export type Delivered =
  | {
      readonly kind: "delivered";
      readonly result: ValueMap;
      readonly refs: readonly RefChange[];
      readonly summary: string;
    }
  | { readonly kind: "refused"; readonly message: string };
