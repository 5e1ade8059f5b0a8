import type { Instant } from "../core/brand.ts";

/** Time as the engine sees it: for timers and for people, never for safety (law J10). */
export interface Clock {
  now(): Instant;
  /** Calls `then` once after at least `ms`; the returned function prevents it. Keeps no process alive by itself. */
  after(ms: number, then: () => void): () => void;
  /** Settles in a later turn of the event loop, so that signals, timers and sockets get their share. */
  turn(): Promise<void>;
}
