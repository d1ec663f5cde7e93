/** Ready stacks of storage layers for tests, each with a device that takes `io` on top. */
import type { DomainId, World } from "../../../kernel/index.ts";
import { addVolume, spawnArray } from "../array.ts";
import { spawnDisk } from "../disk.ts";
import type { MediumOptions } from "../disk.ts";
import { spawnInitiator } from "../initiator.ts";
import { spawnPageCache } from "../page-cache.ts";
import { spawnPagePool } from "../page-pool.ts";
import { type Client, newClient, newWire, newWorld, type Wire } from "./bench.ts";

export const SECTORS = 512;

export type Stack = {
  readonly world: World;
  readonly host: DomainId;
  readonly top: { readonly id: number };
  readonly client: Client;
  /** What holds the data: a disk or an array. */
  readonly device: { readonly id: number };
  readonly array?: DomainId;
  readonly wires: readonly Wire[];
};

export const MEDIUM: MediumOptions = {
  readNs: { medianNs: 100_000, p99Ns: 900_000 },
  writeNs: { medianNs: 80_000, p99Ns: 1_500_000 },
  flushNs: { medianNs: 200_000, p99Ns: 2_000_000 },
  seekNs: 5_000,
  bytesPerSecond: 500_000_000,
  queueDepth: 4,
  cacheBytes: 120 * 512,
  destageNs: 10_000_000,
};

export type StackKind =
  | "disk"
  | "uncached disk"
  | "elevator disk"
  | "writeback over disk"
  | "writethrough over disk"
  | "none over disk"
  | "none over array"
  | "writeback over array"
  | "none over protected array"
  | "writeback over protected array";

export const STACKS: readonly StackKind[] = [
  "disk",
  "uncached disk",
  "elevator disk",
  "writeback over disk",
  "writethrough over disk",
  "none over disk",
  "writeback over array",
  "none over protected array",
  "writeback over protected array",
];

export function buildStack(kind: StackKind, seed: number): Stack {
  const world = newWorld({ seed });
  const host = world.addDomain("host");
  const client = newClient(world, host);
  const onArray = kind.endsWith("array");
  const base = onArray ? arrayBelow(world, host, client, kind) : diskBelow(world, client, kind);
  const mode = (["writeback", "writethrough", "none"] as const).find((m) => kind.startsWith(m));
  if (mode === undefined) return { world, host, client, ...base };
  const pool = spawnPagePool(world, client as never, { sizeBytes: 16 * 4096 });
  const top = spawnPageCache(world, client as never, {
    mode,
    lower: base.top.id,
    pool,
    sectors: SECTORS,
    writebackNs: 2_000_000,
  });
  return { world, host, client, ...base, top };
}

function diskBelow(world: World, client: Client, kind: StackKind) {
  const disk = spawnDisk(world, client as never, {
    ...MEDIUM,
    sectors: SECTORS,
    ...(kind === "uncached disk" ? { cacheBytes: 0 } : {}),
    ...(kind === "elevator disk" ? { order: "elevator" as const, queueDepth: 1 } : {}),
  });
  return { top: disk, device: disk, wires: [] };
}

function arrayBelow(world: World, host: DomainId, client: Client, kind: StackKind) {
  const domain = world.addDomain("array");
  const array = spawnArray(world, {
    ...MEDIUM,
    name: "array",
    domain,
    capacityBytes: SECTORS * 512,
    grainBytes: 4096,
    cacheProtected: kind.includes("protected"),
  });
  addVolume(array, "v", SECTORS);
  const wires = [
    newWire(world, "wire-0", [host, domain], 50_000),
    newWire(world, "wire-1", [host, domain], 400_000),
  ];
  const top = spawnInitiator(world, client as never, {
    array: array.id,
    volume: "v",
    paths: wires.map((each) => each.id),
    timeoutNs: 1_200_000,
    attempts: 50,
  });
  return { top, device: array, array: domain, wires };
}
