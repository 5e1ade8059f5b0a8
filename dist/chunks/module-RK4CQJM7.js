import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);
import{creator,rules}from"./chunk-WJHR5UMA.js";import"./chunk-QZHJCKBD.js";export{creator,rules};
