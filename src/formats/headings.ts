/**
 * Which of the wanted headings a Markdown text lacks. Level, letter case, and signs or numbers around the words do not
 * count; a heading inside a code fence does not either.
 */
export function missingHeadings(markdown: string, wanted: readonly string[]): readonly string[] {
  if (wanted.length === 0) return [];
  const present = new Set(headingsOf(markdown).map(plain));
  return wanted.filter((heading) => !present.has(plain(heading)));
}

function headingsOf(markdown: string): readonly string[] {
  const found: string[] = [];
  let fence: string | undefined;
  for (const line of markdown.split(/\r?\n/u)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/u.exec(line)?.[1];
    if (fence === undefined && mark !== undefined) fence = mark;
    else if (fence !== undefined && mark?.startsWith(fence)) fence = undefined;
    const heading = fence === undefined ? /^ {0,3}#{1,6}\s+(.*)$/u.exec(line)?.[1] : undefined;
    if (heading !== undefined) found.push(heading);
  }
  return found;
}

const plain = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/^[^\p{L}]+|[^\p{L}]+$/gu, "")
    .replace(/\s+/gu, " ");
