/**
 * Guests of documents from nothing: they compute, write their disks and their memory, send each other
 * messages, have a driver that protects pages; then they rest. Some work again later, when what
 * happened to them is over.
 */
import { between, chance, type Chooser, oneOf, skewed, subset } from "./chooser.ts";
import type { Members } from "./references.ts";

/** What the guests of one document may do. */
export interface GuestPalette {
  readonly hasMemory: boolean;
  readonly hasTraffic: boolean;
  readonly computes: boolean;
  readonly worksAgain: boolean;
  readonly hasOpenLoads: boolean;
}

export interface GuestParts {
  /** Ids of its disks, and of other VMs. */
  readonly disks: readonly string[];
  readonly others: readonly string[];
  readonly hasDriver: boolean;
}

const REST_MS = 100_000;
/** From within a recovery to after most of them. */
const PAUSE_MS = { least: 5, most: 2_500 };

export function drawGuest(chooser: Chooser, parts: GuestParts, palette: GuestPalette): Members {
  const work = drawWork(chooser, "work", between(chooser, 8, 24), parts, palette);
  const rest = idle("rest", REST_MS);
  const isBack = palette.worksAgain && chance(chooser, 60);
  const phases = isBack
    ? [
        work,
        idle("pause", skewed(chooser, PAUSE_MS.least, PAUSE_MS.most)),
        drawWork(chooser, "again", between(chooser, 4, 12), parts, palette),
        rest,
      ]
    : [work, rest];
  const integrity = parts.hasDriver && { integrity: drawDriver(chooser) };
  return { kind: "workload", bootMs: 2, phases, ...integrity };
}

const idle = (name: string, durationMs: number): Members => ({
  name,
  durationMs,
  cpu: { busyPercent: 0 },
});

function drawWork(
  chooser: Chooser,
  name: string,
  durationMs: number,
  { disks, others }: GuestParts,
  { hasMemory, hasTraffic, computes, hasOpenLoads }: GuestPalette,
): Members {
  const isBusy = computes && chance(chooser, 60);
  return {
    name,
    durationMs,
    threads: isBusy ? between(chooser, 1, 2) : 1,
    cpu: { busyPercent: isBusy ? oneOf(chooser, [20, 60, 100]) : 0 },
    block: disks.map((disk) => drawLoad(chooser, disk, hasOpenLoads && chance(chooser, 40))),
    ...(hasMemory && { memory: drawMemory(chooser) }),
    ...(hasTraffic && others.length > 0 && { network: [drawTraffic(chooser, others)] }),
  };
}

function drawLoad(chooser: Chooser, disk: string, isOpen: boolean): Members {
  const shared = {
    disk,
    readPercent: oneOf(chooser, [0, 30, 70]),
    regionMiB: 1,
    flushEvery: oneOf(chooser, [1, 2, 8]),
  };
  if (isOpen) {
    return { ...shared, pacing: "open", requestsPerSecond: skewed(chooser, 100, 2_000) };
  }
  const thinkTimeUs = skewed(chooser, 1_000, 8_000);
  return { ...shared, pacing: "closed", outstanding: between(chooser, 1, 3), thinkTimeUs };
}

const drawTouches = (chooser: Chooser, workingSetMiB: number): Members => ({
  workingSetMiB,
  readsPerSecond: skewed(chooser, 100, 4_000),
  writesPerSecond: skewed(chooser, 100, 4_000),
  distribution: oneOf(chooser, ["uniform", "zipf", "sequential"]),
});

/** All of it in the first MiB. */
const drawMemory = (chooser: Chooser): Members => {
  const workingSetMiB = oneOf(chooser, [0.25, 0.5, 1]);
  const isMixed = workingSetMiB < 1 && chance(chooser, 40);
  return {
    ...drawTouches(chooser, workingSetMiB),
    fragmentationPercent: oneOf(chooser, [0, 50, 100]),
    ...(isMixed && { furtherSets: [drawTouches(chooser, oneOf(chooser, [0.25, 0.5]))] }),
  };
};

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
