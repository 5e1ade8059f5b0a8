import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);
async function screen(out){if(!out.terminal){let last=[];return{draw:lines=>{last=lines},done:()=>{for(let line of last)out.line(line)}}}let{createLogUpdate}=await import("./log-update-YDADKYLH.js"),update=createLogUpdate(process.stdout,{showCursor:!0});return{draw:lines=>update(lines.join(`
`)),done:()=>update.done()}}export{screen};
