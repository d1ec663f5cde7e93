/**
 * VMs of documents from nothing: disks on arrays or in their host, guests that write their disks and
 * their memory, send each other messages, have a driver that protects pages, or a copy elsewhere.
 */
import type { ResolvedScenario } from "../../scenarios/index.ts";
import { between, chance, type Chooser, oneOf, skewed, subset } from "./chooser.ts";
import type { Members } from "./references.ts";

type DiskKind = ResolvedScenario["vms"][number]["disks"][number]["kind"];

export const DISK_KINDS: readonly DiskKind[] = ["redo", "cow", "flat", "network"];

/** What the VMs of one document may have. */
export interface MachinePalette {
  readonly diskKinds: readonly DiskKind[];
  readonly cacheModes: readonly string[];
  readonly hasMemory: boolean;
  readonly hasOwnDisks: boolean;
  readonly hasDrivers: boolean;
  readonly hasProtection: boolean;
  readonly hasTraffic: boolean;
}

export interface Surroundings {
  readonly id: string;
  readonly number: number;
  readonly others: readonly string[];
  readonly hosts: readonly string[];
  readonly arrays: readonly { readonly id: string; readonly kind: string }[];
}

/** Disks that each host has: one for each VM that may be tied to it, and free where it may go. */
export const OWN_DISKS = ["ssd", "hdd"];

const DISKS = ["data", "log"];
const MEMORY_MIB = 2;

type Disk = Members & { readonly id: string };

export function drawMachine(
  chooser: Chooser,
  surroundings: Surroundings,
  palette: MachinePalette,
): Members {
  const { id, hosts } = surroundings;
  const host = oneOf(chooser, hosts);
  const elsewhere = hosts.filter((each) => each !== host);
  const own = OWN_DISKS[surroundings.number];
  const isTied = palette.hasOwnDisks && own !== undefined && chance(chooser, 40);
  const isProtected =
    palette.hasProtection && !isTied && elsewhere.length > 0 && chance(chooser, 50);
  const modes = isProtected ? ["none"] : palette.cacheModes;
  const disks = isTied
    ? [ownDisk(chooser, `${host}/${own}`, modes)]
    : drawDisks(chooser, surroundings, palette, modes);
  const hasDriver = palette.hasDrivers && chance(chooser, 60);
  return {
    id,
    host,
    restartOn: isTied || isProtected ? [] : elsewhere,
    memoryMiB: MEMORY_MIB,
    vcpus: hasDriver && !isProtected ? between(chooser, 1, 2) : 1,
    ...(isProtected && {
      protection: {
        kind: "log-replay",
        host: oneOf(chooser, elsewhere),
        heartbeatMs: 2,
        timeoutMs: 20,
      },
    }),
    guest: drawGuest(chooser, surroundings, disks, palette, hasDriver),
    disks,
  };
}

const ownDisk = (chooser: Chooser, on: string, modes: readonly string[]): Disk => ({
  id: "own",
  on,
  kind: "flat",
  sizeMiB: between(chooser, 1, 4),
  cacheMode: oneOf(chooser, modes),
});

function drawDisks(
  chooser: Chooser,
  { arrays }: Surroundings,
  { diskKinds }: MachinePalette,
  modes: readonly string[],
): readonly Disk[] {
  return DISKS.slice(0, between(chooser, 1, DISKS.length)).map((id) => {
    const { id: on, kind: arrayKind } = oneOf(chooser, arrays);
    const fitting = diskKinds.filter((kind) => kind !== "cow" || arrayKind === "cow");
    const kind = fitting.length === 0 ? "redo" : oneOf(chooser, fitting);
    // The guest itself goes to a network disk: its host's page cache is not on that way.
    const cacheMode = kind === "network" ? "none" : oneOf(chooser, modes);
    return { id, on, sizeMiB: between(chooser, 1, 8), kind, cacheMode };
  });
}

function drawGuest(
  chooser: Chooser,
  { others }: Surroundings,
  disks: readonly Disk[],
  { hasMemory, hasTraffic }: MachinePalette,
  hasDriver: boolean,
): Members {
  const block = disks.map(({ id }) => ({
    disk: id,
    pacing: "closed",
    outstanding: between(chooser, 1, 3),
    thinkTimeUs: skewed(chooser, 1_000, 8_000),
    readPercent: oneOf(chooser, [0, 30, 70]),
    regionMiB: 1,
    flushEvery: oneOf(chooser, [1, 2, 8]),
  }));
  const work = {
    name: "work",
    durationMs: between(chooser, 8, 24),
    cpu: { busyPercent: 0 },
    block,
    ...(hasMemory && { memory: drawMemory(chooser) }),
    ...(hasTraffic && others.length > 0 && { network: [drawTraffic(chooser, others)] }),
  };
  const rest = { name: "rest", durationMs: 100_000, cpu: { busyPercent: 0 } };
  const integrity = hasDriver && { integrity: drawDriver(chooser) };
  return { kind: "workload", bootMs: 2, phases: [work, rest], ...integrity };
}

const drawMemory = (chooser: Chooser): Members => ({
  workingSetMiB: oneOf(chooser, [0.25, 0.5, 1]),
  readsPerSecond: skewed(chooser, 100, 4_000),
  writesPerSecond: skewed(chooser, 100, 4_000),
  distribution: oneOf(chooser, ["uniform", "zipf", "sequential"]),
  fragmentationPercent: oneOf(chooser, [0, 50, 100]),
});

const drawTraffic = (chooser: Chooser, others: readonly string[]): Members => ({
  to: oneOf(chooser, others),
  messagesPerSecond: skewed(chooser, 100, 2_000),
  transport: oneOf(chooser, ["datagram", "stream"]),
});

const ATTACKS: readonly Members[] = [
  { atMs: 6 },
  { atMs: 9, on: "data", when: "in-update" },
  { atMs: 12, by: "device" },
  { atMs: 15, by: "forged-entry", on: "data" },
  { atMs: 18, on: "data", when: "in-interrupt" },
  { atMs: 21, on: "code" },
  { atMs: 24, by: "driver", when: "in-update" },
  { atMs: 27, by: "unprotect" },
];

/** In the second MiB; the working sets lie in the first. */
const drawDriver = (chooser: Chooser): Members => ({
  atMiB: 1.5,
  protect: [{ atMiB: 1.25, pages: between(chooser, 1, 8) }],
  updateEveryMs: between(chooser, 10, 40),
  updateUs: skewed(chooser, 100, 4_000),
  interruptEvery: between(chooser, 0, 3),
  attacks: [...subset(chooser, ATTACKS)],
});
