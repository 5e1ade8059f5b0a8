import type { Processes } from "../../ports/processes.ts";

/** What agents are made with: the world, as arguments. */
export interface AgentDependencies {
  readonly processes: Processes;
  /** The environment that we run in, of which an agent gets what is allowed (law A2). */
  readonly host: Readonly<Record<string, string | undefined>>;
  /** A new random UUID. */
  readonly newId: () => string;
}
