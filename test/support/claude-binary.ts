import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
/** The version that the adapter was written against, the newest that names Node 20 in its engines; or another to try. */
export const claudeVersion = process.env["PERDURE_TEST_CLAUDE_VERSION"] ?? "2.1.197";

/**
 * The path of the real Claude Code, installed on demand into a folder that outlives the tests (`PERDURE_TEST_CACHE`, or
 * one in the system's temporary folder). Undefined, with the reason printed, when the registry cannot be reached; in CI
 * that is an error like any other.
 */
export async function claudeBinary(): Promise<string | undefined> {
  const cache = process.env["PERDURE_TEST_CACHE"] ?? join(tmpdir(), "perdure-test-cache");
  const prefix = join(cache, `claude-code-${claudeVersion}`);
  const binary = join(prefix, "node_modules/.bin/claude");
  if (await works(binary)) return binary;
  await mkdir(prefix, { recursive: true });
  try {
    const name = `@anthropic-ai/claude-code@${claudeVersion}`;
    const quiet = ["--ignore-scripts", "--no-audit", "--no-fund"];
    // One more try, soon: whoever is offline should not wait minutes to be told.
    const soon = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=3000"];
    await run("npm", ["install", ...quiet, ...soon, "--prefix", prefix, name], { cwd: prefix });
    // What the package's install script would do; it links the binary of this platform.
    await run(process.execPath, ["install.cjs"], { cwd: join(prefix, "node_modules/@anthropic-ai/claude-code") });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const code = /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|ERR_SOCKET\w*/.exec(reason)?.[0];
    if (process.env["CI"] || code === undefined) throw error;
    console.warn(`Skipped: the npm registry cannot be reached (${code}), so there is no Claude Code to test.`);
    return undefined;
  }
  if (!(await works(binary))) throw new Error(`Claude Code ${claudeVersion} was installed, but does not start`);
  return binary;
}

const works = async (binary: string): Promise<boolean> =>
  run(binary, ["--version"]).then(
    ({ stdout }) => stdout.startsWith(claudeVersion),
    () => false,
  );
