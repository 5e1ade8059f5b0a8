import type { RunId } from "../core/brand.ts";

/** Somebody else holds the run now: stop at once, and touch nothing (law J6). */
export class Fenced extends Error {
  override readonly name = "Fenced";
  readonly run: RunId;
  constructor(run: RunId, mine: number, theirs: number) {
    super(`Run ${run} is at epoch ${theirs}; this worker had epoch ${mine} and is superseded.`);
    this.run = run;
  }
}
