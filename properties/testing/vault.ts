/**
 * The small datacenter with a second array, the vault, to which both hosts are linked: for suites of
 * backups. Disks are small, and the guest writes for a while.
 */
import { expect } from "vitest";
import { fromMs, SectorContent, type World } from "../../core/kernel/index.ts";
import { type ArrayEntity, volumeContent } from "../../core/platform/index.ts";
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

interface VaultOptions {
  readonly workMs: number;
  /** What is told of each disk beside its size, instead of what the small datacenter says. */
  readonly disk?: object;
  readonly kind?: "cow";
  /** What is told of the vault beside its latencies. */
  readonly vault?: object;
}

export function withVault(
  timeline: Entries,
  { workMs, disk, kind, vault }: VaultOptions,
): ScenarioDocument {
  const small = smallDatacenter();
  const [array] = small.arrays!;
  const ends = ["array", "vault"].flatMap((id) => ["alpha", "beta"].map((host) => [host, id]));
  return {
    ...small,
    arrays: [
      { ...array!, ...(kind && { kind }) },
      { ...array!, id: "vault", readLatencyUs: 200, writeLatencyUs: 200, ...vault },
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

interface KeptManifest {
  readonly base: string | null;
  readonly complete: boolean;
  readonly disks: {
    readonly [disk: string]: { readonly volume: string; readonly sectors: number };
  };
}

const vaultOf = (world: World) => world.named("vault") as unknown as ArrayEntity;

function manifestOf(world: World, backup: string): KeptManifest {
  const { files } = vaultOf(world).durable;
  return files[`file:${backup}.backup`]!.value as unknown as KeptManifest;
}

/** Backups at the vault that count. */
export const backupsThatCount = (world: World): string[] =>
  filesOf(world, "vault")
    .filter((name) => name.endsWith(".backup"))
    .map((name) => name.slice(0, -".backup".length))
    .filter((backup) => manifestOf(world, backup).complete);

/** What the volumes of a backup hold of a disk, with those that it adds to. */
export function contentOfBackup(world: World, backup: string, disk: string): SectorContent {
  const { base, disks } = manifestOf(world, backup);
  const { volume, sectors } = disks[disk]!;
  const content = base === null ? new SectorContent(sectors) : contentOfBackup(world, base, disk);
  const own = volumeContent(vaultOf(world), volume)!;
  for (const range of own.allocatedRuns()) {
    content.write(range.sector, own.read(range.sector, range.sectors));
  }
  return content;
}
