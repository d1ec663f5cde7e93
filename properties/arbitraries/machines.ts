/**
 * VMs of documents from nothing: disks on arrays or in their host, a copy elsewhere that takes over, a
 * policy for alerts. Some have disks like those of another VM, so that one can become its clone.
 */
import type { ResolvedScenario } from "../../scenarios/index.ts";
import { between, chance, type Chooser, oneOf } from "./chooser.ts";
import { drawGuest, type GuestPalette } from "./guests.ts";
import type { Members } from "./references.ts";

type DiskKind = ResolvedScenario["vms"][number]["disks"][number]["kind"];

export const DISK_KINDS: readonly DiskKind[] = ["redo", "cow", "flat", "network"];

/** What the VMs of one document may have. */
export interface MachinePalette extends GuestPalette {
  readonly diskKinds: readonly DiskKind[];
  readonly cacheModes: readonly string[];
  readonly hasOwnDisks: boolean;
  readonly hasDrivers: boolean;
  readonly hasProtection: boolean;
  readonly hasTwins: boolean;
  readonly hasPriorities: boolean;
}

export interface Surroundings {
  readonly id: string;
  readonly number: number;
  readonly others: readonly string[];
  readonly hosts: readonly string[];
  readonly arrays: readonly { readonly id: string; readonly kind: string }[];
  /** Disks on arrays that another VM of the document has; none when there is no such VM. */
  readonly model: readonly Disk[];
}

/** Disks that each host has: one for each VM that may be tied to it, and free where it may go. */
export const OWN_DISKS = ["ssd", "hdd"];

const DISKS = ["data", "log"];
const MEMORY_MIB = 2;

export type Disk = Members & { readonly id: string };
export type Machine = Members & { readonly id: string; readonly disks: readonly Disk[] };

export function drawMachine(
  chooser: Chooser,
  surroundings: Surroundings,
  palette: MachinePalette,
): Machine {
  const { id, hosts, others, arrays, model } = surroundings;
  const host = oneOf(chooser, hosts);
  const elsewhere = hosts.filter((each) => each !== host);
  const isTwin = palette.hasTwins && model.length > 0 && chance(chooser, 70);
  const own = OWN_DISKS[surroundings.number];
  const isTied = palette.hasOwnDisks && !isTwin && own !== undefined && chance(chooser, 40);
  const isProtected =
    palette.hasProtection && !isTied && elsewhere.length > 0 && chance(chooser, 50);
  const modes = isProtected ? ["none"] : palette.cacheModes;
  const disks = isTwin
    ? model.map((disk) => ({ ...disk, cacheMode: modeOf(chooser, disk, modes) }))
    : isTied
      ? [ownDisk(chooser, `${host}/${own}`, modes)]
      : drawDisks(chooser, surroundings, palette, modes);
  const hasDriver = palette.hasDrivers && chance(chooser, 60);
  const parts = { disks: disks.map((disk) => disk.id), others, hasDriver };
  return {
    id,
    host,
    restartOn: isTied || isProtected ? [] : elsewhere,
    memoryMiB: MEMORY_MIB,
    vcpus: isProtected || !(hasDriver || palette.computes) ? 1 : between(chooser, 1, 2),
    ...(palette.hasPriorities && {
      priority: between(chooser, 0, 2),
      shares: oneOf(chooser, [500, 1_000, 4_000]),
    }),
    ...(isTwin && { poweredOn: chance(chooser, 60) }),
    ...(isProtected && { protection: drawProtection(chooser, elsewhere) }),
    ...(hasDriver && !isProtected && { onAlert: drawPolicy(chooser, arrays) }),
    guest: drawGuest(chooser, parts, palette),
    disks,
  };
}

const drawProtection = (chooser: Chooser, elsewhere: readonly string[]): Members => ({
  kind: "log-replay",
  host: oneOf(chooser, elsewhere),
  heartbeatMs: 2,
  timeoutMs: 20,
  maxLagMs: oneOf(chooser, [1, 4, 1_000]),
});

function drawPolicy(chooser: Chooser, arrays: Surroundings["arrays"]): Members {
  const does = oneOf(chooser, ["log", "log", "pause", "snapshot"]);
  return { do: does, ...(does === "snapshot" && { on: oneOf(chooser, arrays).id, atMost: 3 }) };
}

const ownDisk = (chooser: Chooser, on: string, modes: readonly string[]): Disk => ({
  id: "own",
  on,
  kind: "flat",
  sizeMiB: between(chooser, 1, 4),
  cacheMode: oneOf(chooser, modes),
});

/** On one array, as all disks of a VM are; mostly of one kind, as those that are cloned. */
function drawDisks(
  chooser: Chooser,
  { arrays }: Surroundings,
  { diskKinds }: MachinePalette,
  modes: readonly string[],
): readonly Disk[] {
  const { id: on, kind: arrayKind } = oneOf(chooser, arrays);
  const fitting = diskKinds.filter((kind) => kind !== "cow" || arrayKind === "cow");
  const kinds = fitting.length === 0 ? (["redo"] as const) : fitting;
  const all = chance(chooser, 70) ? oneOf(chooser, kinds) : undefined;
  return DISKS.slice(0, between(chooser, 1, DISKS.length)).map((id) => {
    const kind = all ?? oneOf(chooser, kinds);
    const cacheMode = modeOf(chooser, { kind }, modes);
    return { id, on, sizeMiB: between(chooser, 1, 8), kind, cacheMode };
  });
}

/** The guest itself goes to a network disk: its host's page cache is not on that way. */
const modeOf = (chooser: Chooser, { kind }: Members, modes: readonly string[]): string =>
  kind === "network" ? "none" : oneOf(chooser, modes);
