import type { Output } from "./output.ts";

/** A picture that is drawn over itself on a terminal, and once at the end where there is none. */
export interface Screen {
  draw(lines: readonly string[]): void;
  done(): void;
}

export async function screen(out: Output): Promise<Screen> {
  if (!out.terminal) {
    let last: readonly string[] = [];
    return {
      draw: (lines) => {
        last = lines;
      },
      done: () => {
        for (const line of last) out.line(line);
      },
    };
  }
  // Its tables of character widths take 50 ms to load, which a run without a terminal need not pay.
  const { createLogUpdate } = await import("log-update");
  const update = createLogUpdate(process.stdout, { showCursor: true });
  return { draw: (lines) => update(lines.join("\n")), done: () => update.done() };
}
