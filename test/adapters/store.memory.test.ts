import { memoryStore } from "../../src/adapters/store/memory.ts";
import { anOid } from "../support/store-fixtures.ts";
import { storeContract } from "./store.contract.ts";

storeContract("memory", async () => {
  const store = memoryStore();
  let commits = 0;
  return {
    store,
    openWriteAhead: store.openWriteAhead,
    other: async () => store,
    commit: () => {
      commits += 1;
      return anOid(`c${String(commits).padStart(39, "0")}`);
    },
    refAt: (name) => store.refs.get(name),
    close: async () => undefined,
  };
});
