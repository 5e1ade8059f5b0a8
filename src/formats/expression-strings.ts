/**
 * Text in single or double quotes, a quote inside it written twice. Every text is taken out and blanks of the same
 * length in single quotes put in its place: the lexer of GitHub's language then reads both kinds, keeps its positions,
 * and never sees a doubled quote (it undoubles only the first of several).
 */
export function maskStrings(source: string): { readonly masked: string; readonly texts: readonly string[] } {
  const texts: string[] = [];
  const pattern = /'(?:[^']|'')*'|"(?:[^"]|"")*"/gu;
  let end = -1;
  const masked = source.replace(pattern, (literal, offset: number) => {
    if (offset === end) throw new Error(`Unexpected symbol: '${literal}'. Located at position ${offset + 1} within it`);
    end = offset + literal.length;
    const quote = literal.charAt(0);
    const inside = literal.slice(1, -1);
    texts.push(inside.replaceAll(quote + quote, quote));
    return `'${inside.replace(/[^\n]/gu, (character) => " ".repeat(character.length))}'`;
  });
  return { masked, texts };
}
