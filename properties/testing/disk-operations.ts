/**
 * The operations on disks whose host is lost, in a datacenter where the VM is started elsewhere: each
 * on the disks that it is for, after what it needs.
 */
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { shortWork, smallDatacenter } from "./small-datacenter.ts";

export type Entry = NonNullable<ScenarioDocument["timeline"]>[number];
type Kind = "redo" | "cow";

const START_MS = 60;
/** What stands on a clone or a backup begins. */
const LATER_MS = 260;
/** From the begin of the operation to the start elsewhere: it was lost by then. */
const RECOVERY_MS = 400;

export interface Tried {
  readonly kind: Kind;
  readonly operation: Entry;
  readonly before?: readonly Entry[];
  /** The VM that is started elsewhere; absent: `db`. */
  readonly vm?: "twin";
}

/** When the VM is started elsewhere. */
export const recoveryMs = ({ operation }: Tried): number => operation.atMs! + RECOVERY_MS;

/** The host of the operation, which is lost. */
export const hostOf = ({ operation }: Tried): "alpha" | "beta" =>
  operation.do === "promote" ? "beta" : "alpha";

interface Afterwards {
  /** What is done from {@link recoveryMs} on. */
  readonly timeline: readonly Entry[];
  /** From there on until all is settled. */
  readonly settledMs: number;
}

export function documentFor(tried: Tried, { timeline, settledMs }: Afterwards) {
  const { kind, operation, before = [] } = tried;
  const small = smallDatacenter();
  const [db] = small.vms!;
  const guest = shortWork({ bootMs: 1, durationMs: 100, thinkTimeUs: 4_000, readPercent: 30 });
  const disks = db!.disks!.map((disk) => ({ ...disk, kind, sizeMiB: 8 }));
  const own = { ...db!, guest, disks, restartOn: [] };
  // Short, so that a lost host is soon known to be lost.
  const ownership = { leaseMs: 100, heartbeatMs: 30 };
  return {
    ...small,
    durationMs: recoveryMs(tried) + settledMs,
    arrays: [
      { ...small.arrays![0]!, kind: "cow", chunkKiB: 64, ownership },
      { ...small.arrays![0]!, id: "vault" },
    ],
    hosts: [...small.hosts!, { id: "gamma", cores: 2, memoryMiB: 4_096 }],
    links: ["alpha", "beta", "gamma"].flatMap((host) =>
      ["array", "vault"].map((to) => ({ between: [host, to] })),
    ),
    vms: [own, { ...own, id: "twin", host: "beta", poweredOn: false }],
    timeline: [
      { id: "first", atMs: 20, do: "snapshot", vm: "db" },
      { id: "second", atMs: 35, do: "snapshot", vm: "db" },
      ...before,
      operation,
      ...timeline,
    ],
  } as ScenarioDocument;
}

const DB = { id: "op", atMs: START_MS, vm: "db" } as const;
const OFF = [{ id: "off", atMs: START_MS - 6, do: "power-off", vm: "db" }] as const;
const LINKED = [
  { id: "link", atMs: 60, do: "linked-clone", vm: "db", point: "first", clone: "twin" },
  { id: "twin-on", atMs: 100, do: "power-on", vm: "twin" },
] as const;
const OWN = { id: "own", atMs: 150, do: "snapshot", vm: "twin" } as const;
const BACKED_UP_OFF = [
  { id: "copy", atMs: START_MS, do: "backup", vm: "db", to: "vault", copyKiB: 64 },
  { id: "off", atMs: LATER_MS - 6, do: "power-off", vm: "db" },
] as const;

const snapshot = { ...DB, do: "snapshot" } as const;
const consolidate = { ...DB, do: "consolidate", point: "first" } as const;
/** The running layer goes, under helpers: what the guest writes meanwhile is never little enough. */
const rounds = {
  ...consolidate,
  point: "second",
  method: "iterative",
  enoughKiB: 4,
  maxRounds: 2,
} as const;
const remove = { ...DB, do: "delete-snapshot", point: "first" } as const;
const revert = { ...DB, do: "revert", point: "first" } as const;
const grow = { ...DB, do: "grow-disk", disk: "data", toMiB: 16 } as const;
const convert = (to: Kind) => ({ ...DB, do: "migrate-disk-format", to }) as const;
const link = { ...DB, do: "linked-clone", point: "first", clone: "twin" } as const;
const promote = { ...DB, atMs: LATER_MS, do: "promote", vm: "twin", copyKiB: 64 } as const;
const carry = { ...promote, snapshots: "carry" } as const;
const backup = { ...DB, do: "backup", to: "vault", copyKiB: 64 } as const;
const copy = (to: Kind) => ({ ...DB, do: "clone", as: "other", format: to }) as const;
const freeze = { ...DB, do: "disk-checkpoint", to: "vault", copyKiB: 64 } as const;
const FROZEN = [{ ...freeze, id: "raw", atMs: START_MS }] as const;
const checkpoint = { ...freeze, atMs: LATER_MS } as const;
const RESTORE = { ...DB, atMs: LATER_MS, do: "restore", backup: "copy", from: "vault" } as const;

const OPERATIONS: readonly Tried[] = [
  { kind: "redo", operation: snapshot },
  { kind: "redo", operation: consolidate },
  { kind: "redo", operation: rounds },
  { kind: "redo", operation: consolidate, before: OFF },
  { kind: "redo", operation: revert, before: OFF },
  { kind: "redo", operation: convert("cow"), before: OFF },
  { kind: "redo", operation: grow },
  { kind: "redo", operation: link, vm: "twin" },
  { kind: "redo", operation: promote, before: LINKED, vm: "twin" },
  { kind: "redo", operation: carry, before: [...LINKED, OWN], vm: "twin" },
  { kind: "redo", operation: copy("cow") },
  { kind: "redo", operation: freeze },
  { kind: "redo", operation: checkpoint, before: FROZEN },
  { kind: "redo", operation: backup },
  { kind: "redo", operation: RESTORE, before: BACKED_UP_OFF },
  { kind: "cow", operation: snapshot },
  { kind: "cow", operation: remove },
  { kind: "cow", operation: remove, before: OFF },
  { kind: "cow", operation: revert, before: OFF },
  { kind: "cow", operation: convert("redo"), before: OFF },
  { kind: "cow", operation: link, vm: "twin" },
  { kind: "cow", operation: copy("redo") },
  { kind: "cow", operation: backup },
  { kind: "cow", operation: RESTORE, before: BACKED_UP_OFF },
];

function nameOf({ kind, operation, before = [] }: Tried): string {
  const after = before.map(({ do: what }) => `, after ${what}`).join("");
  const method = "method" in operation ? `, ${operation.method}` : "";
  return `${operation.do} of ${kind} disks${method}${after}`;
}

/** For `describe.each`. */
export const OPERATIONS_BY_NAME = OPERATIONS.map((tried) => [nameOf(tried), tried] as const);
