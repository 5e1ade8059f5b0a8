// Kills the process that loads it at one chosen call of one chosen kind: FAULT="boundary:n:mode". Without a fault it only
// counts, and leaves the counts in FAULT_COUNTS when the process ends. Nothing of ours is touched: it stands between
// Node's own modules and whoever imports them.
//
//   append   a write-ahead entry          before  torn (half of it written)  written (not synced yet)  after  full
//   object   a git object gets its name   before  after  full
//   edit     a file of an agent gets its  before  after
//   refs     a transaction of refs        before  mid  lost  after  unheard
//   git      any other git command        before  mid  lost  after
//   push     a push to the remote         before  mid  lost  after  unheard
//   command  a check                      before  mid  lost  after
//
// `mid`: our process and the child die together, a few milliseconds after the start. `lost`: the effect has taken place,
// and its answer is never seen. `after`: the answer is seen, and little else is done. `unheard`: the effect has taken
// place, the child breaks instead of saying so, and our process lives on. `full`: nothing is written, because the disk is
// full, and our process lives on.
import childProcess from "node:child_process";
import fs from "node:fs";
import fsPromises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const [boundary, number, mode] = (process.env.FAULT ?? "").split(":");
const target = Number(number);
/** @type {Record<string, number>} */
const counts = {};

/** Whether this call is the one. */
function reached(name) {
  counts[name] = (counts[name] ?? 0) + 1;
  return name === boundary && counts[name] === target;
}

function die() {
  process.kill(process.pid, "SIGKILL");
  // The signal is there before this line; should it ever not be, nothing goes on.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function noSpace(syscall) {
  return Object.assign(new Error(`ENOSPC: no space left on device, ${syscall}`), {
    code: "ENOSPC",
    syscall,
    errno: -28,
  });
}

function dieWith(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It had just ended by itself.
  }
  die();
}

patchAppends();
patchRenames();
patchSpawn();
syncBuiltinESMExports();
const { FAULT_COUNTS } = process.env;
if (FAULT_COUNTS) process.on("exit", () => fs.writeFileSync(FAULT_COUNTS, JSON.stringify(counts)));

function patchAppends() {
  const { openSync, writeSync, fdatasyncSync } = fs;
  const logs = new Set();
  let dueAtSync = false;
  fs.openSync = (path, ...rest) => {
    const fd = openSync(path, ...rest);
    if (/\/perdure\/wal\/[^/]*\.jsonl$/.test(String(path))) logs.add(fd);
    else logs.delete(fd);
    return fd;
  };
  fs.writeSync = (fd, buffer, offset, length, position) => {
    if (!logs.has(fd) || !reached("append")) return writeSync(fd, buffer, offset, length, position);
    if (mode === "before") die();
    if (mode === "full") throw noSpace("write");
    if (mode === "torn") {
      writeSync(fd, buffer, offset, Math.floor(length / 2), position);
      die();
    }
    const written = writeSync(fd, buffer, offset, length, position);
    if (mode === "written") die();
    dueAtSync = true;
    return written;
  };
  fs.fdatasyncSync = (fd) => {
    fdatasyncSync(fd);
    if (dueAtSync) die();
  };
}

function patchRenames() {
  const { renameSync } = fs;
  const { rename } = fsPromises;
  fs.renameSync = (from, to) => {
    const isIt = /\/tmp_obj_[^/]*$/.test(String(from)) && reached("object");
    if (isIt && mode === "before") die();
    if (isIt && mode === "full") throw noSpace("rename");
    renameSync(from, to);
    if (isIt) die();
  };
  fsPromises.rename = async (from, to) => {
    const isIt = reached("edit");
    if (isIt && mode === "before") die();
    await rename(from, to);
    if (isIt) die();
  };
}

function patchSpawn() {
  const { spawn } = childProcess;
  childProcess.spawn = (program, args, options) => {
    const kind = program === "git" ? kindOf(args) : "command";
    if (kind === "kept") return spawn(program, args, options);
    if (kind === "refs") return withTransactions(spawn(program, args, options));
    if (!reached(kind)) return spawn(program, args, options);
    if (mode === "before") die();
    const child = spawn(program, args, options);
    if (mode === "mid") setTimeout(() => dieWith(child), target % 5);
    else if (mode === "unheard") breakAtEnd(child);
    else afterEvent(child, mode === "lost" ? "exit" : "close", () => true);
    return child;
  };
}

function kindOf(args) {
  if (args.includes("update-ref") && args.includes("--stdin")) return "refs";
  if (args.includes("cat-file")) return "kept";
  return args.includes("push") ? "push" : "git";
}

/** One git takes many transactions on its input; each is a call. */
function withTransactions(child) {
  const write = child.stdin.write.bind(child.stdin);
  child.stdin.write = (text, ...rest) => {
    if (!reached("refs")) return write(text, ...rest);
    if (mode === "before") die();
    if (mode === "mid") setTimeout(() => dieWith(child), target % 5);
    else if (mode === "unheard") breakAtAnswer(child);
    else afterEvent(child.stdout, "data", isAnswer);
    return write(text, ...rest);
  };
  return child;
}

const isAnswer = (chunk) => String(chunk).includes("commit: ok");

/** The push takes place, and the connection ends before the other side has said so. */
function breakAtEnd(child) {
  const emit = child.emit.bind(child);
  child.emit = (name, ...args) => {
    if (name !== "close") return emit(name, ...args);
    child.stderr.emit("data", Buffer.from("fatal: the remote end hung up unexpectedly\n"));
    return emit("close", 128, null);
  };
}

/** The transaction takes place, and its git dies before it has said so. */
function breakAtAnswer(child) {
  const emit = child.stdout.emit.bind(child.stdout);
  child.stdout.emit = (name, ...args) => {
    if (name !== "data" || !isAnswer(...args)) return emit(name, ...args);
    process.kill(-child.pid, "SIGKILL");
    return true;
  };
}

/** Dies when the event comes: before anybody hears of it when the answer is to be lost, else a moment after. */
function afterEvent(emitter, event, isIt) {
  const emit = emitter.emit.bind(emitter);
  emitter.emit = (name, ...args) => {
    const now = name === event && isIt(...args);
    if (now && mode === "lost") die();
    const result = emit(name, ...args);
    if (now) setImmediate(die);
    return result;
  };
}
