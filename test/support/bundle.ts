import { join } from "node:path";
import { build } from "esbuild";

/** Bundles a TypeScript program so that any Node can run it, Node 20 included, which cannot strip types. */
export async function bundle(entry: string, folder: string): Promise<string> {
  const outfile = join(folder, "program.mjs");
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
  });
  return outfile;
}
