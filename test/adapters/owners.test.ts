import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { processOwners } from "../../src/adapters/owners/process.ts";
import type { Owner } from "../../src/core/lease.ts";

const owners = processOwners();
const here = owners.self as Owner & { readonly kind: "process" };

test("this process is alive", async () => {
  expect(await owners.liveness(here)).toBe("alive");
});
test("a process that ended is dead, and so is one that was killed and not yet reaped", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await once(child, "spawn");
  const owner = { ...here, pid: child.pid ?? 0, started: "?" };
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await owners.liveness(owner)).toBe("dead");
});
test("a pid that now belongs to somebody else is not taken for the owner", async () => {
  expect(await owners.liveness({ ...here, started: "another-boot-1" })).toBe("dead");
});
test("nobody here can tell of another machine, or of a job", async () => {
  expect(await owners.liveness({ ...here, host: "elsewhere" })).toBe("unknown");
  expect(await owners.liveness({ kind: "job", runId: 1, runAttempt: 1, job: "x" })).toBe("unknown");
});
