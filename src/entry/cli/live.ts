import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { StepKey } from "../../core/brand.ts";
import type { Plan } from "../../core/plan.ts";
import { type Report, reportOf } from "../../core/report.ts";
import type { RunState, StepState } from "../../core/state.ts";
import type { Live, Watch } from "../../engine/worker.ts";
import { durationText, reportLines } from "../../formats/report-text.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Output } from "./output.ts";
import { screen } from "./screen.ts";

export interface LiveParts {
  readonly out: Output;
  readonly plan: Plan;
  readonly clock: Clock;
  /** Where the lines of running agents go, for `logs -f`; not part of the run. */
  readonly log: string;
  readonly onFolded: () => void;
}

export interface Shown extends Watch {
  /** Stops drawing and leaves the last picture. */
  done(): void;
}

/** Shows a run while it works: a list that is drawn over itself on a terminal, a line a change elsewhere. */
export const live = (parts: LiveParts): Shown => (parts.out.terminal ? drawn(parts) : spoken(parts));

function drawn({ out, plan, clock, log, onFolded }: LiveParts): Shown {
  const show = screen(out);
  const keep = keeper(log);
  const doing: Record<string, string> = {};
  let state: RunState | undefined;
  const draw = (): void => {
    if (state) show.draw(reportLines(reportOf(plan, state, clock.now()), out.paint, doing));
  };
  const timer = setInterval(draw, 200);
  timer.unref();
  return {
    changed(next) {
      state = next;
    },
    live(key, what) {
      doing[key] = liveText(what);
      keep(key, what);
    },
    folded: onFolded,
    done() {
      clearInterval(timer);
      draw();
      show.done();
    },
  };
}

function spoken({ out, plan, clock, log, onFolded }: LiveParts): Shown {
  const keep = keeper(log);
  let before: Readonly<Record<string, StepState>> = {};
  const speak = (report: Report, state: RunState): void => {
    for (const row of report.rows) {
      const now = state.steps[row.key];
      const then = before[row.key];
      if (!now || (then && then.status === now.status && then.attempt === now.attempt)) continue;
      const result = [
        now.status === "running" && now.attempt > 1 ? `try ${now.attempt}` : "",
        now.status === "skipped" ? row.result : now.summary,
      ]
        .filter((text) => text !== "")
        .join(", ");
      const time = row.ms !== undefined && now.endedAt !== undefined ? ` in ${durationText(row.ms)}` : "";
      out.note(`${row.key} ${now.status}${time}${result === "" ? "" : `: ${result}`}`);
      for (const warning of now.warnings.slice(then?.warnings.length ?? 0)) out.note(`! ${row.key}: ${warning}`);
    }
    before = state.steps;
  };
  return {
    changed: (state) => {
      if (!out.json) speak(reportOf(plan, state, clock.now()), state);
    },
    live: keep,
    folded: onFolded,
    done: () => undefined,
  };
}

const liveText = ({ doing, spending, percent }: Live): string =>
  [percent === undefined ? "" : `${percent}%`, doing, spending && spending.usd > 0 ? `$${spending.usd.toFixed(2)}` : ""]
    .filter((text) => text !== "")
    .join(" ");

/** Lines of running agents, as they come; losing them costs nothing. */
function keeper(file: string): (key: StepKey, what: Live) => void {
  let ready = false;
  return (key, { log }) => {
    if (log === undefined) return;
    if (!ready) mkdirSync(join(file, ".."), { recursive: true });
    ready = true;
    appendFileSync(file, `${new Date().toISOString()} ${key} ${log}\n`);
  };
}
