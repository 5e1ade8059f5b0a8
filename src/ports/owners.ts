import type { Liveness, Owner } from "../core/lease.ts";

/**
 * Who this worker is, and whether another one lives. The verdict may be wrong: it only drives progress, and the epoch
 * gives safety (design: leases without heartbeats).
 */
export interface Owners {
  readonly self: Owner;
  liveness(owner: Owner): Promise<Liveness>;
}
