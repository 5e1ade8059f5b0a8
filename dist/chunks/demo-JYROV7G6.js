import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);
import"./chunk-QZHJCKBD.js";var demo=async()=>0;export{demo};
