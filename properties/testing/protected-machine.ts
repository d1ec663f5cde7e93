/**
 * A real machine protected by another host: it resets itself once, works on a disk of the array that
 * both share, draws random numbers, talks with a real machine on a third host, and is typed to.
 */
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { protectedPair } from "./protected-pair.ts";

const WORLD = "core/guest/rv64/samples/world";

export function protectedMachine(changes: Partial<ScenarioDocument> = {}): ScenarioDocument {
  const protection = protectedPair().vms![0]!.protection!;
  const instructionsPerSecond = 20_000_000;
  const kind = "rv64" as const;
  return protectedPair({
    name: "protected-machine",
    vms: [
      {
        id: "db",
        host: "alpha",
        memoryMiB: 1,
        protection,
        guest: {
          kind,
          file: `${WORLD}/ledger.elf`,
          instructionsPerSecond,
          rng: true,
          network: [{ to: "client", mac: "02:00:00:00:00:01" }],
          typed: [{ waitFor: "close?\n", delayMs: 0.2, text: "yes\n" }],
        },
        disks: [{ id: "data", on: "array", sizeMiB: 1 }],
      },
      {
        id: "client",
        host: "gamma",
        memoryMiB: 1,
        guest: {
          kind,
          file: `${WORLD}/talk.elf`,
          instructionsPerSecond,
          network: [{ to: "db", mac: "02:00:00:00:00:02" }],
        },
        disks: [],
      },
    ],
    ...changes,
  });
}
