import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);
import{parseYaml,writeYaml}from"./chunk-6N2LN6JD.js";import"./chunk-QDWDCOCA.js";import"./chunk-HIVKM3P3.js";import"./chunk-DNPAQ3GE.js";import"./chunk-QZHJCKBD.js";export{parseYaml,writeYaml};
