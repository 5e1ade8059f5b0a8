import type { ValueMap } from "./brand.ts";

/** `.github/perdure.yml` with everything filled in. */
export interface Config {
  readonly defaultWorkflow: string;
  /** Undefined where nobody chose one. */
  readonly agent?: string;
  readonly agentConfig: ValueMap;
  readonly usd?: number;
  readonly autoResume?: number;
  /** Seconds between two checkpoints of a long step. */
  readonly checkpointSeconds: number;
}

export const defaultConfig: Config = { defaultWorkflow: "develop", agentConfig: {}, checkpointSeconds: 60 };
