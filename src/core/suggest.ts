/**
 * The known word that `given` was probably meant to be, or undefined. Two slips are forgiven, one in words of up to
 * three letters, letter case never counts; of equally near words the first wins (design: "Commands", "Did you mean").
 */
export function suggest(given: string, known: readonly string[]): string | undefined {
  const limit = given.length <= 3 ? 1 : 2;
  let best: { readonly word: string; readonly slips: number } | undefined;
  for (const word of known) {
    if (Math.abs(word.length - given.length) > limit) continue;
    const slips = distance(given.toLowerCase(), word.toLowerCase());
    if (slips <= limit && slips < Math.min(word.length, best?.slips ?? Number.POSITIVE_INFINITY))
      best = { word, slips };
  }
  return best?.word;
}

/** How many letters must be added, dropped, replaced or swapped with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      next.push(
        Math.min(
          at(last, column) + 1,
          at(next, column - 1) + 1,
          at(last, column - 1) + (same ? 0 : 1),
          swapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforeLast = last;
    last = next;
  }
  return at(last, b.length);
}

const at = (row: readonly number[], column: number): number => row[column] ?? Number.POSITIVE_INFINITY;
