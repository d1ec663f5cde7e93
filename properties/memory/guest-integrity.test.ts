/**
 * Guests with integrity drivers that sleep, wake lazily, are saved meanwhile and move to another host:
 * every attack is told once, whatever comes in between. Modelled and real ones.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromMs, type World } from "../../core/kernel/index.ts";
import { vmRecordOf } from "../../core/vmm/index.ts";
import { violations } from "../testing/crash-points.ts";
import {
  guardedWorld,
  modelledDriver,
  REAL_SENTRY,
  type Timeline,
} from "../testing/guarded-world.ts";

/** It sleeps, wakes, is saved and moves, each as soon after the one before as is said. */
const journey = (atMs: number, saveMs: number, moveMs: number, move: object): Timeline => [
  { id: "sleep", atMs, do: "suspend", vm: "m", on: "array", blockKiB: 32 },
  { id: "wake", after: "sleep.complete", do: "resume", vm: "m", on: "array", readsAtOnce: 1 },
  { id: "save", after: "wake.goesOn", delayMs: saveMs, do: "checkpoint", vm: "m", on: "array" },
  {
    id: "move",
    after: "wake.goesOn",
    delayMs: moveMs,
    do: "migrate",
    vm: "m",
    to: "beta",
    minMbps: 2_000,
    maxMbps: 5_000,
    stopBelowKiB: 512,
    ...move,
  },
];

/** Alerts, and when operations ended, in milliseconds. */
function watch(world: World) {
  const alerts: string[] = [];
  const ended: { [id: string]: { atNs: number; outcome: string } } = {};
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "integrity-alert") alerts.push(String(data["what"]));
    if (kind !== "operation-end") return;
    ended[String(data["id"])] = { atNs: world.timeNs, outcome: String(data["outcome"]) };
  };
  world.run({ untilNs: fromMs(420) });
  world.finish();
  expect(violations(world)).toEqual([]);
  return { alerts, ended };
}

const BY = ["kernel", "device", "driver", "forged-entry", "unprotect"] as const;
const WHEN = ["at-once", "in-update", "in-interrupt"] as const;

const attack = fc.record({
  atMs: fc.integer({ min: 5, max: 250 }),
  by: fc.constantFrom(...BY),
  when: fc.constantFrom(...WHEN),
  on: fc.constantFrom("protected", "code"),
  pages: fc.integer({ min: 1, max: 2 }),
});
type Attack = typeof attack extends fc.Arbitrary<infer T> ? T : never;

const alertsOf = (attacks: readonly Attack[]): number =>
  attacks.reduce((sum, { by, pages }) => {
    return sum + pages + (by === "forged-entry" || by === "unprotect" ? 1 : 0);
  }, 0);

describe("a guest with an integrity driver on its way", () => {
  it("has every attack told once: modelled, at any moment, moved in any way", async () => {
    let overlapped = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(attack, { minLength: 4, maxLength: 12 }),
        fc.tuple(fc.integer({ min: 15, max: 150 }), fc.nat(3), fc.nat(3)),
        fc.constantFrom("pre-copy", "stop-and-copy", "post-copy"),
        async (attacks, [atMs, saveMs, moveMs], algorithm) => {
          const timeline = journey(atMs, saveMs, moveMs, { algorithm });
          const world = await guardedWorld(modelledDriver(attacks), timeline);
          const { alerts, ended } = watch(world);
          expect(alerts.length).toBe(alertsOf(attacks));
          expect(vmRecordOf(world, "m").durable.integrityAlerts).toBe(alertsOf(attacks));
          expect(ended["wake"]!.outcome).toBe("complete");
          if (ended["move"]?.outcome === "complete") overlapped++;
        },
      ),
      { numRuns: 5 },
    );
    expect(overlapped).toBeGreaterThan(1);
  });

  it("has every attack told once: a real machine", async () => {
    const world = await guardedWorld(REAL_SENTRY, journey(50, 0, 1, {}));
    const { alerts, ended } = watch(world);
    expect(alerts.filter((what) => what === "write").length).toBe(140);
    expect(alerts.length).toBe(170);
    for (const id of ["sleep", "wake", "save", "move"]) {
      expect(ended[id]?.outcome, id).toBe("complete");
    }
    expect(ended["wake"]!.atNs).toBeGreaterThan(fromMs(50));
    expect(vmRecordOf(world, "m").durable).toMatchObject({ power: "off", host: "beta" });
  });

  it("refuses pages outside memory in the document", async () => {
    const { guest } = modelledDriver([]);
    const integrity = { ...guest.integrity, protect: [{ atMiB: 9.9921875, pages: 4 }] };
    const wrong = { memoryMiB: 10, guest: { ...guest, integrity } };
    await expect(guardedWorld(wrong, [])).rejects.toThrow(
      "protects pages outside the memory of the vm",
    );
  });
});
