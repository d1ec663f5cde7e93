/**
 * The small datacenter with a second array, the vault, to which both hosts are linked: for suites of
 * backups. Disks are small, and the guest writes for a while.
 */
import { expect } from "vitest";
import { fromMs, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { crash, crashFor, filesOf, volumesOf } from "./crash-points.ts";
import { shortWork, smallDatacenter } from "./small-datacenter.ts";

export type Entries = NonNullable<ScenarioDocument["timeline"]>;

/** A backup of everything; others take their members from it. */
export const FULL = {
  id: "full",
  atMs: 60,
  do: "backup",
  vm: "db",
  to: "vault",
  copyKiB: 64,
} as const;

/** `disk`: what is told of each disk beside its size, instead of what the small datacenter says. */
export function withVault(
  timeline: Entries,
  { workMs, disk, kind }: { workMs: number; disk?: object; kind?: "cow" },
): ScenarioDocument {
  const small = smallDatacenter();
  const [array] = small.arrays!;
  const ends = ["array", "vault"].flatMap((id) => ["alpha", "beta"].map((host) => [host, id]));
  return {
    ...small,
    arrays: [
      { ...array!, ...(kind && { kind }) },
      { ...array!, id: "vault", readLatencyUs: 200, writeLatencyUs: 200 },
    ],
    links: ends.map((between) => ({ between })) as never,
    vms: small.vms!.map((vm) => ({
      ...vm,
      guest: shortWork({ bootMs: 5, durationMs: workMs, thinkTimeUs: 1_700, readPercent: 20 }),
      disks: vm.disks!.map(({ id, on, ...own }) => ({ id, on, ...(disk ?? own), sizeMiB: 8 })),
    })) as never,
    timeline,
  };
}

/** Complete backups at the vault; nothing else may be there. */
export function keptBackups(world: World): string[] {
  const backups = filesOf(world, "vault").filter((name) => name.endsWith(".backup"));
  expect(volumesOf(world, "vault")).toHaveLength(2 * backups.length);
  return backups;
}

/** The VM of a lost host is restarted on the next; an array has to be put up again. */
export function lose(
  world: World,
  domain: string,
  until: { readonly hostMs: number; readonly arrayMs: number },
): void {
  const isHost = domain === "alpha";
  if (isHost) crash(world, domain);
  else crashFor(world, domain, 300);
  world.run({ untilNs: fromMs(isHost ? until.hostMs : until.arrayMs) });
}
