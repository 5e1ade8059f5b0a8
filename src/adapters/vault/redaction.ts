/** Names of variables whose values are secrets by what they are called. */
const secretName = /(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE_?KEY|CREDENTIAL|ACCESS_?KEY)/i;
/** A value shorter than this would be found in innocent text. */
const shortestSecret = 8;

/** The values of an environment that must never leave the machine, longest first so that none hides in another. */
export const secretsOf = (environment: Readonly<Record<string, string | undefined>>): readonly string[] =>
  Object.entries(environment)
    .flatMap(([name, value]) =>
      value !== undefined && value.length >= shortestSecret && secretName.test(name) ? [value] : [],
    )
    .sort((a, b) => b.length - a.length);

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The text with every span replaced; spans may overlap. */
export function mask(text: string, spans: readonly Span[]): string {
  let result = "";
  let at = 0;
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    if (span.end <= at) continue;
    result += text.slice(at, Math.max(at, span.start));
    if (span.start >= at) result += "[redacted]";
    at = span.end;
  }
  return result + text.slice(at);
}

/** Replaces known values and this machine's folders; `folders` maps an absolute path to what stands for it. */
export function replaceKnown(
  text: string,
  secrets: readonly string[],
  folders: Readonly<Record<string, string>>,
): string {
  let result = text;
  for (const secret of secrets) result = result.replaceAll(secret, "[redacted]");
  for (const folder of Object.keys(folders).sort((a, b) => b.length - a.length)) {
    if (folder.length > 1) result = result.replaceAll(folder, folders[folder] ?? "…");
  }
  return result;
}
