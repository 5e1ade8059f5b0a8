import * as nodeModule from "node:module";

// From Node 22 on, code that was compiled once is kept; what is imported after this line starts in half the time.
(nodeModule as { readonly enableCompileCache?: () => unknown }).enableCompileCache?.();
const { main } = await import("./cli/main.ts");
process.exitCode = await main(process.argv.slice(2));
