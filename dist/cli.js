#!/usr/bin/env node
import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);
import*as nodeModule from"node:module";nodeModule.enableCompileCache?.();var{main}=await import("./chunks/main-GTY2QR36.js");process.exitCode=await main(process.argv.slice(2));
