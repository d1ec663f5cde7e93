/**
 * A protected machine whose connection for the log is reset, so that steps are lost on the way while
 * both hosts live: the backup goes on from what came before the gap, or not at all.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, restoreWorld, type World } from "../../core/kernel/index.ts";
import { vmRecordOf } from "../../core/vmm/index.ts";
import { tellLink } from "../testing/links.ts";
import { protectedPair } from "../testing/protected-pair.ts";
import { builderOf } from "../testing/small-datacenter.ts";

/** So slow, and so patient, that the connection gives up before the pair does. */
function slowPair(): World {
  const document = protectedPair();
  const log = { kind: "log-replay", host: "beta", heartbeatMs: 500 } as const;
  const protection = { ...log, timeoutMs: 20_000, maxLagMs: 60_000 };
  const [db, client] = document.vms!;
  const rest = { name: "rest", durationMs: 200_000, cpu: { busyPercent: 0 } };
  const network = [{ to: "client", messagesPerSecond: 8, transport: "stream" as const }];
  const guest = { kind: "workload", bootMs: 2, phases: [{ ...rest, network }] } as const;
  const quiet = { kind: "workload", bootMs: 1, phases: [rest] } as const;
  const vms = [
    { ...db!, protection, guest },
    { ...client!, guest: quiet },
  ];
  return builderOf({ ...document, vms }).build({ seed: 3 });
}

describe("a connection of the log that is reset", () => {
  it("leaves a gap that the backup does not step over", () => {
    const world = slowPair();
    world.run({ untilNs: fromMs(2_000) });
    const begin = captureWorld(world);
    for (const events of [0, 17]) {
      restoreWorld(world, begin);
      world.run({ untilEvent: world.eventCount + events });
      tellLink(world, "logging", "cut");
      world.run({ untilNs: world.timeNs + fromMs(15_600) });
      tellLink(world, "logging", "heal");
      world.run({ untilNs: world.timeNs + fromMs(2_000) });
      world.crash(world.registry.domainNamed("alpha")!, "test");
      world.run({ untilNs: world.timeNs + fromMs(24_000) });
      expect(world.checker.violations, `cut ${events} events later`).toEqual([]);
      expect(vmRecordOf(world, "db").durable).toMatchObject({ power: "on", host: "beta" });
    }
  }, 60_000);
});
