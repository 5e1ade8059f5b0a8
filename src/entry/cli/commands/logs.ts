import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { replay } from "../../../core/fold.ts";
import { logLine } from "../../../formats/run-log.ts";
import type { Common, Options } from "../common.ts";
import { exitCode } from "../exit-codes.ts";
import { findRun, inPlace } from "../place.ts";

/** The journal as lines; with `-f` also what a worker on this machine is doing, until the run rests. */
export const logs = (common: Common, [name]: readonly string[], options: Options): Promise<number> =>
  inPlace(common, async (place) => {
    const { run } = await findRun(place, name);
    const live = join(place.home, "logs", `${run}.log`);
    let shown = 0;
    let read = options["follow"] === true && existsSync(live) ? readFileSync(live).length : 0;
    for (;;) {
      const loaded = await place.store.load(run);
      const events = loaded?.events ?? [];
      if (common.out.json)
        for (const event of events.slice(shown))
          process.stdout.write(`${JSON.stringify({ ...event, at: new Date(event.at).toISOString() })}\n`);
      else
        for (const [index, event] of events.slice(shown).entries()) common.out.line(logLine(event, shown + index + 1));
      shown = events.length;
      if (options["follow"] !== true) return exitCode.completed;
      if (existsSync(live)) {
        const bytes = readFileSync(live);
        if (bytes.length > read) process.stdout.write(common.out.json ? "" : bytes.subarray(read));
        read = bytes.length;
      }
      if (replay(events)?.status !== "running") return exitCode.completed;
      await sleep(500);
    }
  });
