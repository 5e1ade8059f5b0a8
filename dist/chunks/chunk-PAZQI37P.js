import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);
var defaultConfig={defaultWorkflow:"develop",agentConfig:{},checkpointSeconds:60};export{defaultConfig};
