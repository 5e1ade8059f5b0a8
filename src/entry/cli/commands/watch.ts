import { setTimeout as sleep } from "node:timers/promises";
import { replay } from "../../../core/fold.ts";
import { reportOf } from "../../../core/report.ts";
import { reportLines } from "../../../formats/report-text.ts";
import type { Common, Options } from "../common.ts";
import { exitCode, exitCodeOf } from "../exit-codes.ts";
import { findRun, inPlace, pinnedPlan } from "../place.ts";
import { screen } from "../screen.ts";

/** Follows a run from outside until it rests; ends as the run does. */
export const watch = (common: Common, [name]: readonly string[], options: Options): Promise<number> =>
  inPlace(common, async (place) => {
    const every = Math.max(0.2, Number(options["interval"] ?? 5) || 5) * 1_000;
    let state = await findRun(place, name);
    const plan = await pinnedPlan(place, state);
    const show = await screen(common.out);
    for (let head: string | undefined; ; ) {
      const now = await place.store.head(state.run);
      if (now !== head) {
        head = now;
        const loaded = await place.store.load(state.run);
        state = (loaded && replay(loaded.events)) ?? state;
      }
      show.draw(reportLines(reportOf(plan, state, place.clock.now()), common.out.paint));
      if (state.status !== "running") break;
      await sleep(every);
    }
    show.done();
    common.out.data({ run: state.run, status: state.status });
    return state.status === "queued" ? exitCode.waiting : exitCodeOf(state);
  });
