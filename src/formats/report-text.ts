import type { Report, Row } from "../core/report.ts";
import type { StepStatus } from "../core/state.ts";

/** How a terminal paints; identity functions where there are no colours. */
export interface Paint {
  dim(text: string): string;
  bold(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  busy(text: string): string;
}

export const plainPaint: Paint = { dim: same, bold: same, good: same, bad: same, busy: same };
function same(text: string): string {
  return text;
}

const marks: Record<StepStatus, string> = {
  pending: "·",
  running: "▸",
  waiting: "?",
  completed: "✓",
  failed: "✗",
  skipped: "-",
  cached: "✓",
  cancelled: "-",
  rolled_back: "↩",
};

/** The whole report for a terminal: headline, a row a step, warnings, what to do next. */
export function reportLines(
  report: Report,
  paint: Paint,
  doing: Readonly<Record<string, string>> = {},
): readonly string[] {
  const money =
    report.usd > 0 || report.budget !== undefined
      ? ` · $${report.usd.toFixed(2)}${report.budget === undefined ? "" : ` of $${report.budget.toFixed(2)}`}`
      : "";
  const width = Math.max(10, ...report.rows.map((row) => row.depth * 2 + label(row).length));
  return [
    `${paint.bold(report.headline)} · ${report.workflow} · run ${report.run} · ${durationText(report.elapsedMs)}${money}`,
    ...(report.title === "" ? [] : [paint.dim(report.title)]),
    "",
    ...report.rows.map((row) => rowLine(row, width, paint, doing[row.key])),
    ...(report.warnings.length > 0 ? ["", ...report.warnings.map((warning) => `! ${warning}`)] : []),
    ...(report.next.length > 0 ? ["", "Next:", ...report.next.map((command) => `  ${command}`)] : []),
  ];
}

function rowLine(row: Row, width: number, paint: Paint, doing: string | undefined): string {
  const colour =
    row.status === "completed" || row.status === "cached"
      ? paint.good
      : row.status === "failed"
        ? paint.bad
        : row.status === "running" || row.status === "waiting"
          ? paint.busy
          : paint.dim;
  const name = `${"  ".repeat(row.depth)}${label(row)}`.padEnd(width);
  const time = row.ms === undefined ? "" : durationText(row.ms);
  const money = row.usd > 0 ? ` $${row.usd.toFixed(2)}` : "";
  const tried = row.notes.length > 0 ? paint.dim(` (${row.notes.join(", ")})`) : "";
  const now = `${row.status === "running" && doing !== undefined ? doing : row.result}${tried}`;
  return `${colour(marks[row.status])} ${row.status === "pending" ? paint.dim(name) : name} ${paint.dim(time.padStart(7))}${paint.dim(money)}  ${now}`.trimEnd();
}

const label = (row: Row): string => {
  const visit = row.key.split("@")[1];
  return row.depth === 1 && visit !== undefined && visit !== "1" ? `${row.name} (${visit})` : row.name;
};

/** `640ms`, `4.2s`, `1m 10s`, `2h 03m`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)}s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes}m ${String(Math.floor((ms % 60_000) / 1_000)).padStart(2, "0")}s`;
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, "0")}m`;
}
