import { mkdir, readdir, readFile, realpath, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { AgentSession } from "../../ports/agent.ts";
import { pathPattern } from "./paths.ts";

/**
 * Claude Code keeps a conversation in `projects/SLUG/ID.jsonl` of its configuration folder, SLUG being the working
 * directory, and resumes it from there only. One that comes from another machine or directory is laid under the slug of
 * the new one, which works (a line torn by a kill at the end of the file does no harm). The directory's path stands in it
 * many times: it leaves as a placeholder, so that the resumed model finds its files again, and no path leaves (J8).
 */
type Variables = Readonly<Record<string, string>>;

/** Ids go into paths and arguments, and come from a run's branch: nothing but a UUID passes. */
export const isSessionId = (id: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(id);

/** The session's bytes, or undefined when there is none (a conversation that never began). */
export async function exportSession(
  environment: Variables,
  directory: string,
  id: string,
): Promise<AgentSession | undefined> {
  if (!isSessionId(id)) return undefined;
  const projects = projectsOf(environment);
  const real = await realpath(directory).catch(() => directory);
  // The other projects too: the id is unique, and the program's idea of a slug may change.
  for (const project of [slugOf(real), ...(await readdir(projects).catch(() => []))]) {
    const bytes = await readFile(join(projects, project, `${id}.jsonl`)).catch(() => undefined);
    if (bytes && bytes.length > 0) return { id, bytes: Buffer.from(portable(bytes.toString(), directory, real)) };
  }
  return undefined;
}

/** Lays the session where Claude Code will look for it when it runs in `directory`. */
export async function importSession(environment: Variables, directory: string, session: AgentSession): Promise<void> {
  const real = await realpath(directory);
  const folder = join(projectsOf(environment), slugOf(real));
  const text = Buffer.from(session.bytes)
    .toString()
    .replaceAll(placeholder, () => inJson(real));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Over what lies there: the work tree was put back to the same checkpoint, and the two must agree.
  await writeFile(join(folder, `${session.id}.jsonl`), text, { mode: 0o600 });
}

const placeholder = "@@PERDURE_WORK_TREE@@";
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
const portable = (lines: string, ...directories: readonly string[]): string =>
  lines.replace(pathPattern(...directories.map(inJson)), placeholder);

const projectsOf = (environment: Variables): string =>
  join(environment["CLAUDE_CONFIG_DIR"] ?? join(environment["HOME"] ?? homedir(), ".claude"), "projects");

const longestSlug = 200;

/** The folder name that stands for a working directory: what is no letter or digit becomes a dash, long ones a hash. */
export function slugOf(directory: string): string {
  const slug = directory.replaceAll(/[^a-zA-Z0-9]/g, "-");
  if (slug.length <= longestSlug) return slug;
  let hash = 0;
  for (let index = 0; index < directory.length; index += 1)
    hash = ((hash << 5) - hash + directory.charCodeAt(index)) | 0;
  return `${slug.slice(0, longestSlug)}-${Math.abs(hash).toString(36)}`;
}
