import type { Command } from "../../../core/command.ts";
import { ProblemError, problem } from "../../../core/problem.ts";
import type { RunState } from "../../../core/state.ts";
import { tell } from "../../../engine/tell.ts";
import type { Common, Options } from "../common.ts";
import { exitCode } from "../exit-codes.ts";
import { findRun, inPlace, type Place, pinnedPlan } from "../place.ts";

export const pause = (common: Common, [run]: readonly string[], options: Options): Promise<number> =>
  say(common, run, { verb: "pause", now: options["now"] === true }, (state) =>
    state.status === "paused" ? `Run ${state.run} is paused.` : `Run ${state.run} will pause after its current step.`,
  );

export const cancel = (common: Common, [run]: readonly string[], options: Options): Promise<number> =>
  say(common, run, { verb: "cancel", now: options["now"] === true }, (state) =>
    state.status === "cancelled"
      ? `Run ${state.run} is cancelled; its work is kept.`
      : `Run ${state.run} will stop after its current step.`,
  );

/** `answer 1=redis` and `answer RUN q1=redis`; one plain word answers the only open question. */
export function answer(common: Common, words: readonly string[], options: Options): Promise<number> {
  return inPlace(common, async (place) => {
    const named =
      words[0] !== undefined && !words[0].includes("=") && (await place.store.list()).includes(words[0] as never);
    const state = await findRun(place, named ? words[0] : undefined);
    const given = named ? words.slice(1) : words;
    const answers = answersOf(given, state);
    return deliver(
      common,
      place,
      state,
      { verb: "answer", answers, defaults: options["defaults"] === true },
      (after) =>
        after.status === "waiting"
          ? `Kept. Run ${after.run} still waits for: ${after.questions
              .filter((q) => !q.answer)
              .map((q) => q.id)
              .join(", ")}.`
          : `Thank you. Go on with: perdure resume ${after.run}`,
    );
  });
}

function answersOf(words: readonly string[], state: RunState): Readonly<Record<string, string>> {
  const open = state.questions.filter((question) => question.answer === undefined);
  const pairs = words.map((word) => /^(q?\d+)[=:](.*)$/s.exec(word));
  if (pairs.every((pair) => pair !== null))
    return Object.fromEntries(pairs.map((pair) => [pair[1] ?? "", pair[2] ?? ""]));
  const [only] = open;
  if (open.length === 1 && only) return { [only.id]: words.join(" ") };
  throw new ProblemError(
    problem("unclear-answer", "It is not clear which question this answers.", {
      expected: open.map((q) => `${q.id}=…`).join(" ") || "an open question",
      received: words.join(" "),
    }),
  );
}

export const note = (common: Common, [run, ...words]: readonly string[]): Promise<number> =>
  say(
    common,
    run,
    { verb: "note", text: words.join(" ") },
    (state) => `Noted. The agent of run ${state.run} is told at its next iteration.`,
  );

const say = (
  common: Common,
  run: string | undefined,
  command: Command,
  done: (state: RunState) => string,
): Promise<number> =>
  inPlace(common, async (place) => deliver(common, place, await findRun(place, run), command, done));

async function deliver(
  common: Common,
  place: Place,
  { run }: RunState,
  command: Command,
  done: (state: RunState) => string,
): Promise<number> {
  const told = await tell({ ...place, planOf: (state) => pinnedPlan(place, state) }, { run, command, by: place.by });
  if (!told.ok) {
    common.out.problems(told.problems);
    return exitCode.refused;
  }
  common.out.line(done(told.value));
  common.out.data({ run, status: told.value.status });
  return exitCode.completed;
}
