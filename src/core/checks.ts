import type { Value, ValueMap } from "./brand.ts";

/** One check of a validation strategy, as its contract gives it. */
export interface Check {
  readonly id: string;
  readonly name: string;
  readonly command?: string;
  readonly kind: string;
  readonly severity: string;
  readonly required: boolean;
  readonly timeoutMs: number;
}

export interface CheckResult {
  readonly check: Check;
  readonly status: "passed" | "failed" | "skipped" | "error";
  readonly exitCode?: number;
  readonly ms: number;
  readonly error?: string;
  readonly fingerprint?: string;
}

const defaultCheckMs = 300_000;

/** The checks of a strategy whose contract was checked; those nobody can run (`manual`) are kept, and skipped. */
export const checksOf = (fields: ValueMap): readonly Check[] =>
  ((fields["checks"] ?? []) as readonly ValueMap[]).map((raw) => ({
    id: String(raw["id"]),
    name: String(raw["name"] ?? raw["id"]),
    ...(typeof raw["command"] === "string" && raw["command"].trim() !== "" && { command: raw["command"] }),
    kind: String(raw["kind"] ?? "unit"),
    severity: String(raw["severity"] ?? "medium"),
    required: raw["required"] !== false,
    timeoutMs: typeof raw["timeout_seconds"] === "number" ? raw["timeout_seconds"] * 1000 : defaultCheckMs,
  }));

export type Verdict = "passed" | "partial" | "failed" | "error";

/** `partial`: only optional checks failed. `error`: a required one could not be run, which says nothing of the work. */
export function verdictOf(results: readonly CheckResult[]): Verdict {
  const bad = results.filter((result) => result.status === "failed" || result.status === "error");
  if (bad.length === 0) return "passed";
  if (bad.some((result) => result.check.required && result.status === "failed")) return "failed";
  return bad.some((result) => result.check.required) ? "error" : "partial";
}

// The escape character is spelled out, because a control character in a pattern reads like a mistake.
const colour = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

/**
 * Equal for equal failures: the check, and what is left of its message without what differs between two tries
 * (numbers, times, hex, paths, quotes' contents stay). The last lines say most, so only they count.
 */
export function fingerprintOf(check: string, output: string): string {
  const normal = output
    .split("\n")
    .map((line) => line.replaceAll(colour, "").trim())
    .filter((line) => line !== "")
    .slice(-20)
    .join("\n")
    .replace(/\b0x[0-9a-f]+\b/gi, "#")
    .replace(/\b\d+(?:[.:]\d+)*\s?(?:ms|s|m|h)?\b/g, "#")
    .replace(/(?:\/[\w.@-]+)+\//g, "/");
  return `${check}-${hash(normal)}`;
}

/** 53 bits are enough to tell a run's failures apart (cyrb53). */
function hash(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(16).padStart(14, "0");
}

/** Results as the fields of `verification-results.md`. */
export const resultFields = (results: readonly CheckResult[]): readonly Value[] =>
  results.map((result) => ({
    id: result.check.id,
    name: result.check.name,
    status: result.status,
    severity: result.check.severity,
    duration_seconds: Math.round(result.ms / 100) / 10,
    ...(result.exitCode !== undefined && { exit_code: result.exitCode }),
    ...(result.error !== undefined && { error: result.error }),
    ...(result.fingerprint !== undefined && { fingerprint: result.fingerprint }),
  }));
