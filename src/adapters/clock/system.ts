import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import type { Instant } from "../../core/brand.ts";
import type { Clock } from "../../ports/clock.ts";

/** The machine's own clock. */
export const systemClock = (): Clock => ({
  now: () => Date.now() as Instant,
  after(ms, then) {
    // A day at a time: longer delays overflow the timer and would fire at once.
    const timer = setTimeout(then, Math.min(ms, 86_400_000));
    return () => clearTimeout(timer);
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
});
