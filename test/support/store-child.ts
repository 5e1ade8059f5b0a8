import { writeSync } from "node:fs";
import { argv } from "node:process";
import { localStore } from "../../src/adapters/store/git/local.ts";
import { openRepository } from "../../src/adapters/store/git/repository.ts";
import { writeAheadIn } from "../../src/adapters/store/git/write-ahead.ts";
import { StoreConflict } from "../../src/ports/store.ts";
import { aRun, aScribe, aStep, created, started } from "./store-fixtures.ts";

/** What a worker does in a process of its own, so that it can be raced and killed. Each line it writes is a fact. */
const [, , mode = "", directory = "", name = "", count = "0"] = argv;
const run = aRun();
const work = `refs/heads/perdure/work/${run}`;
const say = (text: string): void => void writeSync(1, `${text}\n`);

/** Appends so many notes, deciding anew after each conflict, as the engine does. */
async function append(): Promise<void> {
  const repository = await openRepository(directory);
  const store = localStore(repository);
  const scribe = aScribe(run);
  for (let index = 0; index < Number(count); ) {
    const loaded = await store.load(run);
    if (!loaded) throw new Error("The run is there from the beginning.");
    scribe.restart(loaded.events);
    try {
      await store.commit(scribe.next([{ type: "note.added", by: name, text: `${name} ${index}` }]), loaded.version);
      index += 1;
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
    }
  }
  await store.close();
  await repository.close();
}

/** Commits for ever, moving the work branch along with the run's own. */
async function commit(): Promise<void> {
  const store = localStore(await openRepository(directory));
  const scribe = aScribe(run);
  const loaded = await store.load(run);
  let version = loaded?.version ?? (await store.commit(scribe.next([created(run)]), null));
  if (loaded) scribe.restart(loaded.events);
  const last = loaded?.events.findLast((event) => event.type === "step.checkpointed");
  let at = last?.type === "step.checkpointed" ? last.commit : null;
  for (;;) {
    const after = version.oid;
    const body = {
      type: "step.checkpointed",
      step: aStep("execute"),
      attempt: 1,
      commit: after,
      reason: "timer",
    } as const;
    const more = { refs: [{ name: work, before: at, after }], files: { "results/a.json": `${version.seq}` } };
    version = await store.commit(scribe.next([body], more), version);
    at = after;
    say(version.oid);
  }
}

/** Appends to the write-ahead file for ever. */
function writeAhead(common: string): void {
  const log = writeAheadIn(common)(run, 1);
  const scribe = aScribe(run);
  scribe.next([created(run)]);
  for (let index = 0; ; index += 1) {
    const { events } = scribe.next([started(`step-${index}`)]);
    log.append({ events, files: { "results/a.json": "x".repeat(index % 5_000) }, refs: [] });
    say(String(index));
  }
}

if (mode === "append") await append();
if (mode === "commit") await commit();
if (mode === "write-ahead") writeAhead((await openRepository(directory)).common);
