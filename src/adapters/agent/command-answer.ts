import { nothingSpent, type Spending } from "../../core/spending.ts";

/** What a command may say at the end of its standard output instead of, or besides, leaving files behind. */
export interface Answer {
  /** Document texts by file name. */
  readonly documents: Readonly<Record<string, string>>;
  readonly spending: Spending;
  readonly text?: string;
}

type Json = Readonly<Record<string, unknown>>;

/** How many places from the end are tried: an agent may print JSON for other reasons, too. */
const places = 50;

/** The JSON object that the output ends with, on one line or several, when it has one of the keys of an answer. */
export function answerIn(stdout: string): Answer | undefined {
  const lines = stdout.trimEnd().split("\n");
  if (!lines.at(-1)?.trimEnd().endsWith("}")) return undefined;
  const starts = lines.flatMap((line, index) => (line.startsWith("{") ? [index] : []));
  for (const start of starts.slice(-places).reverse()) {
    const found = objectIn(lines.slice(start).join("\n"));
    if (found) return isAnswer(found) ? answerOf(found) : undefined;
  }
  return undefined;
}

/** The percentage of a `::progress::45` line. */
export function percentIn(line: string): number | undefined {
  const found = /^::progress::\s*(\d{1,3})(?:\.\d+)?\s*%?\s*$/.exec(line)?.[1];
  return found === undefined ? undefined : Math.min(100, Number(found));
}

const isAnswer = (found: Json): boolean => "documents" in found || "spending" in found || "text" in found;

function answerOf(found: Json): Answer {
  const texts = Object.entries(asObject(found["documents"])).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  const spending = asObject(found["spending"]);
  return {
    documents: Object.fromEntries(texts),
    spending: {
      ...nothingSpent,
      usd: numberOf(spending["usd"]),
      inputTokens: numberOf(spending["input_tokens"]),
      outputTokens: numberOf(spending["output_tokens"]),
      turns: numberOf(spending["turns"]),
    },
    ...(typeof found["text"] === "string" && { text: found["text"] }),
  };
}

const numberOf = (value: unknown): number =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
const asObject = (value: unknown): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};

function objectIn(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
