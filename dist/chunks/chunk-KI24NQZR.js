import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);
var nothingSpent={usd:0,inputTokens:0,outputTokens:0,turns:0},addSpending=(a,b)=>({usd:Math.round((a.usd+b.usd)*1e6)/1e6,inputTokens:a.inputTokens+b.inputTokens,outputTokens:a.outputTokens+b.outputTokens,turns:a.turns+b.turns});export{nothingSpent,addSpending};
