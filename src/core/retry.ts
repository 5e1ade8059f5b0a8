import type { Instant } from "./brand.ts";

/**
 * Why an attempt failed. `interrupted` is not the step's fault and is never counted against its attempts.
 * - infrastructure: network, 5xx, rate limit, disk full, runner lost
 * - timeout: the step's own time ran out
 * - contract: a document broke its contract, also after it was given back once
 * - exit: a command ended with a code other than 0
 * - verification: checks failed, or a repeat ran out of visits
 * - budget: money, turns or tokens ran out
 * - refused: somebody or something said no (permission, approval, protected path)
 */
export const failureClasses = [
  "infrastructure",
  "timeout",
  "contract",
  "exit",
  "verification",
  "budget",
  "refused",
  "interrupted",
] as const;
export type FailureClass = (typeof failureClasses)[number];

export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** Milliseconds before the second try. */
  readonly delayMs: number;
  readonly backoff: "exponential" | "linear" | "constant";
  readonly factor: number;
  readonly maxDelayMs: number;
  /** Share of the delay that is spread at random, 0 to 1. */
  readonly jitter: number;
  readonly on: readonly FailureClass[];
}

/** Three retries of what is transient, none of a deterministic exit (requirements C13). */
export const defaultRetry: RetryPolicy = {
  attempts: 4,
  delayMs: 1_000,
  backoff: "exponential",
  factor: 2,
  maxDelayMs: 60_000,
  jitter: 0.2,
  on: ["infrastructure"],
};

/**
 * When the next try may begin, or undefined when there is none. `failed` counts the tries that ended in failure.
 * The jitter is a function of `seed`, so that replaying a journal gives the same instants.
 */
export function nextTry(
  policy: RetryPolicy,
  failed: number,
  cls: FailureClass,
  at: Instant,
  seed: string,
): Instant | undefined {
  if (failed >= policy.attempts || !policy.on.includes(cls)) return undefined;
  const grown =
    policy.backoff === "constant"
      ? policy.delayMs
      : policy.backoff === "linear"
        ? policy.delayMs * failed
        : policy.delayMs * policy.factor ** (failed - 1);
  const delay = Math.min(grown, policy.maxDelayMs);
  return (at + Math.round(delay * (1 - policy.jitter * fraction(seed)))) as Instant;
}

/** A number in [0, 1) that depends on the text alone (FNV-1a). */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) / 2 ** 32;
}
