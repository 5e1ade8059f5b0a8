const longest = 60;

/** Text for a problem's `received`: one line, at most 60 characters, and a sign where something was left out. */
export function excerpt(text: string): string {
  const line = text.replace(/\s+/gu, " ").trim();
  return line.length > longest ? `${line.slice(0, longest - 1).replace(/[\uD800-\uDBFF]$/u, "")}…` : line;
}

/** A value as a problem names it: scalars as they are, collections by their size and keys. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 1 ? "a list of 1" : `a list of ${value.length}`;
  if (typeof value === "object") {
    const keys = Object.keys(value);
    return keys.length === 0 ? "an empty map" : excerpt(`a map with ${keys.join(", ")}`);
  }
  return typeof value === "string" ? excerpt(JSON.stringify(value)) : String(value);
}
