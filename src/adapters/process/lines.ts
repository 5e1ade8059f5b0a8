/** Cuts a stream of text into lines and remembers its end, in bounded memory. */
export interface LineReader {
  push(chunk: string): void;
  /** The stream is over: a last line without an end is given too. */
  end(): void;
  /** The last characters of everything that was pushed. */
  tail(): string;
}

interface Bounds {
  /** Characters of a line that are given; the rest of it is dropped. */
  readonly lineLimit: number;
  /** Characters that `tail` holds. */
  readonly keep: number;
}

export function lineReader({ lineLimit, keep }: Bounds, give: (line: string) => void): LineReader {
  let partial = "";
  const kept: string[] = [];
  let keptLength = 0;

  const remember = (chunk: string): void => {
    kept.push(chunk);
    keptLength += chunk.length;
    // Whole chunks are dropped, and the rest is cut once at the end: slicing at every chunk would copy `keep` each time.
    for (let first = kept[0]; first !== undefined && keptLength - first.length >= keep; first = kept[0]) {
      kept.shift();
      keptLength -= first.length;
    }
  };
  const add = (text: string): void => {
    if (partial.length < lineLimit) partial += text.slice(0, lineLimit - partial.length);
  };
  const finish = (): void => {
    const line = partial.endsWith("\r") ? partial.slice(0, -1) : partial;
    partial = "";
    give(line);
  };

  return {
    push(chunk) {
      remember(chunk);
      const pieces = chunk.split("\n");
      for (const piece of pieces.slice(0, -1)) {
        add(piece);
        finish();
      }
      add(pieces.at(-1) ?? "");
    },
    end() {
      if (partial !== "") finish();
    },
    tail: () => kept.join("").slice(-keep),
  };
}
