import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);
import{require_dist}from"./chunk-OW2GWUIU.js";import"./chunk-QZHJCKBD.js";export default require_dist();
