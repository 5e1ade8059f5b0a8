import type { Outside } from "../../ports/workspace.ts";

/**
 * What changed outside the work tree while an agent worked. A warning and not a failure: the person whose checkout it
 * is may have been working too, and Perdure neither undoes nor keeps what is not its own.
 */
export function escapes(before: Outside, after: Outside): readonly string[] {
  const names = new Set([...Object.keys(before.entries), ...Object.keys(after.entries)]);
  const changed = [...names].filter((name) => before.entries[name] !== after.entries[name]).sort();
  if (changed.length === 0) return [];
  const shown = changed.slice(0, 5).join(", ");
  return [
    `Outside the work tree something changed meanwhile: ${shown}${changed.length > 5 ? " …" : ""}. If that was not you, it was the agent.`,
  ];
}
