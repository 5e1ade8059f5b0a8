import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { StepKey } from "../../core/brand.ts";
import { idOfKey } from "../../core/event.ts";
import type { Plan } from "../../core/plan.ts";
import { reportOf } from "../../core/report.ts";
import type { RunState, StepState } from "../../core/state.ts";
import type { Live, Watch } from "../../engine/worker.ts";
import { durationText, reportLines } from "../../formats/report-text.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Output } from "./output.ts";
import { type Screen, screen } from "./screen.ts";

export interface LiveParts {
  readonly out: Output;
  readonly plan: Plan;
  readonly clock: Clock;
  /** Where the lines of running agents go, for `logs -f`; not part of the run. */
  readonly log: string;
  /** The steps as they were when this worker took over. */
  readonly since: Readonly<Record<string, StepState>>;
  readonly onFolded: () => void;
}

export interface Shown extends Watch {
  /** Stops drawing and leaves the last picture. */
  done(): void;
}

/** Shows a run while it works: a list that is drawn over itself on a terminal, a line a change elsewhere. */
export const live = async (parts: LiveParts): Promise<Shown> =>
  parts.out.terminal ? drawn(parts, await screen(parts.out)) : spoken(parts);

function drawn({ out, plan, clock, log, onFolded }: LiveParts, show: Screen): Shown {
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

function spoken({ out, plan, log, since, onFolded }: LiveParts): Shown {
  const keep = keeper(log);
  // What was done before this worker came is no news.
  const told = new Map(Object.entries(since));
  const speak = (key: StepKey, now: StepState): void => {
    const then = told.get(key);
    told.set(key, now);
    if (plan.nodes.get(idOfKey(key))?.step.action.type === "repeat") return;
    if (!then || then.status !== now.status || then.attempt !== now.attempt) out.note(spokenLine(key, now));
    for (const warning of now.warnings.slice(then?.warnings.length ?? 0)) out.note(`! ${key}: ${warning}`);
  };
  return {
    changed({ steps }) {
      if (out.json) return;
      for (const key in steps) {
        const now = steps[key as StepKey];
        if (now && told.get(key) !== now) speak(key as StepKey, now);
      }
    },
    live: keep,
    folded: onFolded,
    done: () => undefined,
  };
}

/** `verify@2 completed in 1.3s: attempt 2: 11 of 12`. */
function spokenLine(key: StepKey, step: StepState): string {
  const again = step.status === "running" && step.attempt > 1 ? `try ${step.attempt}` : "";
  const result =
    step.status === "running" ? again : step.status === "skipped" ? (step.skipped?.reason ?? "") : step.summary;
  const time =
    step.startedAt !== undefined && step.endedAt !== undefined
      ? ` in ${durationText(step.endedAt - step.startedAt)}`
      : "";
  return `${key} ${step.status}${time}${result === "" ? "" : `: ${result}`}`;
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
