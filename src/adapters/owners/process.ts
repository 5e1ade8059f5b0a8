import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Liveness, Owner } from "../../core/lease.ts";
import type { Owners } from "../../ports/owners.ts";

/**
 * Workers that are processes of this machine. Alive means: the pid exists and started when the lease says it did, so a
 * pid that the kernel gave to somebody else is not taken for the owner.
 */
export function processOwners(): Owners {
  const self: Owner = {
    kind: "process",
    host: hostname(),
    pid: process.pid,
    started: startOf(process.pid) ?? "unknown",
  };
  return {
    self,
    async liveness(owner): Promise<Liveness> {
      if (owner.kind !== "process" || owner.host !== self.host) return "unknown";
      if (!exists(owner.pid)) return "dead";
      const started = startOf(owner.pid);
      return started === undefined || started === owner.started ? "alive" : "dead";
    },
  };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The kernel's start time of a process in clock ticks since boot, with the boot's own id; undefined off Linux. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie holds its pid until its parent looks, but works at nothing any more.
    if (fields[0] === "Z" || fields[0] === "X") return "dead";
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8);
    return `${boot}-${fields[19]}`;
  } catch {
    return undefined;
  }
}
