import type { Common } from "../common.ts";
import { exitCode } from "../exit-codes.ts";
import { findConfig } from "../find.ts";
import { inPlace } from "../place.ts";

/** The configuration in force. */
export const showConfig = (common: Common): Promise<number> =>
  inPlace(common, async (place) => {
    const { config, file } = await findConfig(place.directory);
    const shown = {
      default_workflow: config.defaultWorkflow,
      agent: config.agent ?? "claude-code",
      agent_config: config.agentConfig,
      limits: {
        budget_usd: config.usd ?? null,
        auto_resume: config.autoResume ?? 3,
        checkpoint_seconds: config.checkpointSeconds,
      },
    };
    common.out.data({ file: file ?? null, ...shown });
    common.out.line(
      common.out.paint.dim(
        file === undefined
          ? "# no .github/perdure.yml: these are the defaults"
          : `# from ${file}, the rest are defaults`,
      ),
    );
    const { writeYaml } = await import("../../../formats/yaml.ts");
    common.out.line(writeYaml(shown).trimEnd());
    return exitCode.completed;
  });
