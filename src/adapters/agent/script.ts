import type { FailureClass } from "../../core/retry.ts";
import type { Spending } from "../../core/spending.ts";

/** What a scripted agent does: a recording, one turn for each task. */
export interface Script {
  readonly turns: readonly Turn[];
}

export interface Turn {
  /** Absent: the turn is for a free prompt. */
  readonly skill?: string;
  /** Absent: for every visit that no other turn names. */
  readonly visit?: number;
  readonly doing: readonly string[];
  readonly delayMs: number;
  readonly edits: readonly Edit[];
  /** Texts by file name, for the output folder. */
  readonly documents: Readonly<Record<string, string>>;
  readonly spending: Spending;
  readonly outcome:
    | { readonly kind: "done"; readonly text: string }
    | { readonly kind: "failed"; readonly class: FailureClass; readonly message: string };
}

export type Edit =
  | { readonly kind: "write"; readonly path: string; readonly content: string }
  | { readonly kind: "replace"; readonly path: string; readonly replace: readonly Replacement[] }
  | { readonly kind: "delete"; readonly path: string };

export interface Replacement {
  readonly find: string;
  readonly with: string;
}

/** The turn for a task: that of its skill and visit, so that a resumed run goes on at the right one. */
export const turnFor = (script: Script, skill: string | undefined, visit: number): Turn | undefined =>
  script.turns.find((turn) => turn.skill === skill && turn.visit === visit) ??
  script.turns.find((turn) => turn.skill === skill && turn.visit === undefined);

/** A turn's name for people: `execute, visit 2`. */
export const turnName = (skill: string | undefined, visit: number | undefined): string =>
  `${skill ?? "free prompt"}, ${visit === undefined ? "any visit" : `visit ${visit}`}`;

/**
 * The text with every replacement made; undefined in `text` when one cannot be, with the reason. A replacement that is
 * already there is taken as done, so that doing a turn again after a kill gives the same files.
 */
export function replaced(
  text: string,
  replacements: readonly Replacement[],
): { readonly text: string } | { readonly fault: string } {
  let result = text;
  for (const { find, with: replacement } of replacements) {
    const open = openPlaces(result, find, replacement);
    const [at] = open;
    if (open.length > 1) return { fault: `${quoted(find)} is there ${open.length} times` };
    if (at !== undefined) result = result.slice(0, at) + replacement + result.slice(at + find.length);
    else if (!result.includes(replacement)) return { fault: `${quoted(find)} is not there` };
    if (openPlaces(result, find, replacement).length > 0) return { fault: `${quoted(find)} would be there again` };
  }
  return { text: result };
}

/** Where `find` stands and is not part of what replaces it. */
function openPlaces(text: string, find: string, replacement: string): readonly number[] {
  const done = placesOf(text, replacement);
  return placesOf(text, find).filter(
    (at) => !done.some((from) => from <= at && at + find.length <= from + replacement.length),
  );
}

function placesOf(text: string, part: string): readonly number[] {
  if (part === "") return [];
  const places: number[] = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) places.push(at);
  return places;
}

const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
