import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);
import{parseYaml,writeYaml}from"./chunk-P632FO2S.js";import"./chunk-OW2GWUIU.js";import"./chunk-HIVKM3P3.js";import"./chunk-DNPAQ3GE.js";import"./chunk-QZHJCKBD.js";export{parseYaml,writeYaml};
