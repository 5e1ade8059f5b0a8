/** What a person wants done, snapshotted when the run was created: later edits of the issue change nothing. */
export interface Task {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly priority: "low" | "medium" | "high" | "critical";
  readonly labels: readonly string[];
  /** The branch that the verified work goes to; empty means the run's own work branch. */
  readonly branch: string;
  /** The branch that the work is meant for. */
  readonly target: string;
}
