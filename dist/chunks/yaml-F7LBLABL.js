import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);
import{parseYaml,writeYaml}from"./chunk-LGLEGJFX.js";import"./chunk-QDWDCOCA.js";import"./chunk-NJNW34OY.js";import"./chunk-QZHJCKBD.js";export{parseYaml,writeYaml};
