/** Matches a directory's path in a text, but not the beginning of a longer name (`/tmp/work` in `/tmp/work-2`). */
export function pathPattern(...directories: readonly string[]): RegExp {
  const longestFirst = [...new Set(directories)].sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`(?:${escaped.join("|")})(?![\\w-]|\\.\\w)`, "g");
}

/** A function that takes the path of the work tree out of a text, so that what is left names files in it (law J8). */
export function withoutPath(directory: string): (text: string) => string {
  const pattern = new RegExp(`${pathPattern(directory).source}(/(?=\\S))?`, "g");
  return (text) => text.replace(pattern, (_, slash?: string) => (slash === undefined ? "." : ""));
}
