import type { Value } from "../core/brand.ts";
import { ok, problem, type Result, refuse } from "../core/problem.ts";
import { describe } from "./excerpt.ts";

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `5m`, `1h30m`, `2 d`, `500ms`, or a number of seconds (also as text) in milliseconds; always more than 0. */
export function parseDuration(value: Value): Result<number> {
  const ms = typeof value === "number" ? value * 1_000 : typeof value === "string" ? msOf(value) : Number.NaN;
  const rounded = Math.round(ms);
  if (rounded > 0 && Number.isSafeInteger(rounded)) return ok(rounded);
  return refuse(
    problem("bad-duration", "This is not a length of time.", {
      expected: "90s, 5m, 1h30m, or a number of seconds, more than 0",
      received: describe(value),
      fix: "Write a number with a unit: ms, s, m, h or d.",
    }),
  );
}

function msOf(text: string): number {
  const compact = text.replace(/\s+/gu, "").toLowerCase();
  if (/^\d+(?:\.\d+)?$/u.test(compact)) return Number(compact) * 1_000;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/u.test(compact)) return Number.NaN;
  return [...compact.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/gu)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ""] ?? Number.NaN),
    0,
  );
}
