import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundled, fromSource, report, reportTimes, scratch, timed } from "./support.mjs";

// What a run costs on the disk and how long its transitions take. Prints JSON lines.
const modules = [
  "src/adapters/store/git/repository.ts",
  "src/adapters/store/git/local.ts",
  "src/adapters/store/git/remote.ts",
  "src/core/evolve.ts",
  "src/core/fold.ts",
];
const { openRepository, localStore, remoteStore, evolve, replay } = await fromSource(modules);

const git = (directory, ...args) => execFileSync("git", args, { cwd: directory, encoding: "utf8" });
const run = "42-7f3a";
const start = Date.UTC(2026, 10, 20, 21, 30);

/** Transactions of a run that begins and completes steps by turns, `steps` different ones. */
function* transactions(steps) {
  let state;
  for (let index = 0; ; index += 1) {
    const step = `step-${Math.floor(index / 2) % steps}`;
    const attempt = Math.floor(index / 2 / steps) + 1;
    const summary = "6 files, 3 commits";
    const body =
      index < 2
        ? [creation, claim][index]
        : index % 2 === 1
          ? { type: "step.started", step, attempt }
          : {
              type: "step.completed",
              step,
              attempt,
              outputs: { score: index, verdict: "passed" },
              summary,
              documents: [],
            };
    const event = { id: `${body.type}:${index}`, at: start + index * 1_000, epoch: 1, ...body };
    state = state ? evolve(state, event) : replay([event]);
    const result = `${JSON.stringify({ step, attempt, summary, outputs: { score: index, verdict: "passed" } }, undefined, 2)}\n`;
    yield { run, events: [event], state, files: index % 2 === 0 ? { [`results/${step}.json`]: result } : {}, refs: [] };
  }
}

const claim = {
  type: "lease.claimed",
  lease: { epoch: 1, owner: { kind: "job", runId: 1, runAttempt: 1, job: "work" } },
};
const creation = {
  type: "run.created",
  run,
  spec: 1,
  definition: {
    name: "develop",
    version: "1.0.0",
    source: "workflows/develop.yaml (shipped)",
    hash: "d".repeat(64),
    file: "workflow.yaml",
  },
  task: {
    id: "42",
    title: "Add a login page",
    description: "With a form.",
    priority: "medium",
    labels: [],
    branch: "",
    target: "main",
  },
  inputs: {},
  trigger: { kind: "label", by: "ana" },
  base: "b".repeat(40),
  agent: "scripted",
  agentConfig: {},
  totalSteps: 8,
};

function bytesIn(folder) {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) bytes += statSync(join(entry.parentPath ?? entry.path, entry.name)).size;
  return bytes;
}

function packedBytes(repository) {
  const copy = join(scratch(), "copy");
  cpSync(repository, copy, { recursive: true });
  git(copy, "repack", "-a", "-d", "-q");
  git(copy, "prune-packed", "-q");
  return bytesIn(join(copy, ".git/objects"));
}

async function appends(steps) {
  const directory = scratch();
  git(directory, "init", "-q");
  const repository = await openRepository(directory);
  const store = localStore(repository);
  const times = [];
  const bytes = {};
  const packed = {};
  let version = null;
  let count = 0;
  for (const transaction of transactions(steps)) {
    times.push(
      await timed(async () => {
        version = await store.commit(transaction, version);
      }),
    );
    count += 1;
    if (![250, 500, 1_000].includes(count)) continue;
    bytes[count] = bytesIn(join(directory, ".git/objects"));
    packed[count] = packedBytes(directory);
    if (count === 1_000) break;
  }
  reportTimes(`store: commit, a run of ${steps} steps`, times.slice(100));
  report(`store: bytes after 250, 500 and 1,000 commits, a run of ${steps} steps`, {
    unit: "bytes",
    bytes,
    packed,
    growth: { bytes: bytes[1_000] / bytes[500], packed: packed[1_000] / packed[500] },
  });
  await store.close();
  await repository.close();
  return directory;
}

/** Each load in a process of its own, as after a kill. */
async function loads(name, directory) {
  const folder = scratch();
  await bundled(modules, join(folder, "source.mjs"));
  const program = join(folder, "load.mjs");
  writeFileSync(
    program,
    `import { openRepository, localStore } from "./source.mjs";
const begin = performance.now();
const repository = await openRepository(process.argv[2]);
const opened = performance.now();
const store = localStore(repository);
const { events } = await store.load(process.argv[3]);
console.log(JSON.stringify({ open: opened - begin, load: performance.now() - opened, events: events.length }));
await store.close();
await repository.close();
`,
  );
  const samples = Array.from({ length: 15 }, () =>
    JSON.parse(execFileSync(process.execPath, [program, directory, run], { encoding: "utf8" })),
  );
  const events = samples[0].events;
  reportTimes(
    `store: open a repository, ${name}`,
    samples.map(({ open }) => open),
  );
  reportTimes(
    `store: load, ${name}`,
    samples.map(({ load }) => load),
    { events },
  );
}

async function writeAhead(directory) {
  const repository = await openRepository(directory);
  const log = localStore(repository).openWriteAhead("bench", 1);
  const entries = transactions(8);
  const times = [];
  for (let index = 0; index < 2_000; index += 1) {
    const { events, files, refs } = entries.next().value;
    times.push(await timed(() => log.append({ events, files, refs })));
  }
  log.drop();
  reportTimes("write-ahead file: append", times.slice(100));
  await repository.close();
}

async function pushes() {
  const folder = scratch();
  git(folder, "init", "-q", "--bare", "origin.git");
  git(folder, "init", "-q", "clone");
  git(join(folder, "clone"), "remote", "add", "origin", join(folder, "origin.git"));
  const repository = await openRepository(join(folder, "clone"));
  const store = remoteStore(repository, { remote: "origin" });
  const times = [];
  let version = null;
  for (const transaction of transactions(8)) {
    times.push(
      await timed(async () => {
        version = await store.commit(transaction, version);
      }),
    );
    if (times.length === 40) break;
  }
  reportTimes("store: commit to a remote on the same disk", times.slice(5));
  await store.close();
  await repository.close();
}

const short = await appends(8);
await loads("1,000 loose segments", short);
git(short, "gc", "-q");
await loads("1,000 packed segments", short);
await appends(500);
await writeAhead(short);
await pushes();
