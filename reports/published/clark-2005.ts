/**
 * Clark, Fraser, Hand, Hansen, Jul, Limpach, Pratt, Warfield: Live Migration of Virtual Machines. NSDI
 * 2005, sections 5.3 and 6: Xen, two machines with two 2 GHz Xeons, Gigabit Ethernet.
 *
 * Units: the paper says MB and Mbit/s. 676.8 MB in 54.1 s is "100 Mbit/s" when both count in powers of
 * two or both in powers of ten; Xen's tools of the time send 100 KiB each 7.8125 ms for "100", which
 * is 100 times 2^20 bits, so both are taken as powers of two. Figures that compare with the network
 * (870 Mbit/s) are decimal.
 */
import type { PublishedMigration, Source } from "./published-migration.ts";

export const CLARK_2005: Source = {
  cite:
    "C. Clark, K. Fraser, S. Hand, J. G. Hansen, E. Jul, C. Limpach, I. Pratt, A. Warfield. " +
    "Live Migration of Virtual Machines. NSDI 2005.",
  where: "sections 5.3 (rates), 6.2 to 6.5 (figures 8 to 11)",
};

/** Mbit/s of 2^20 bits: first round, step, highest (section 5.3; 500 is also the tools' constant). */
export const CLARK_RATES = { minMbps: 100, stepMbps: 50, maxMbps: 500, stopBelowKiB: 256 };

/** Decimal Mbit/s: the most that the network carried for a guest (figure 8). */
export const CLARK_NETWORK_MBPS = 870;

export const clarkMigrations: readonly PublishedMigration[] = [
  {
    name: "specweb99",
    describe: "SPECweb99 at 90 % of its load, 350 clients",
    algorithm: "pre-copy",
    given: { memoryMiB: 800, startUpMs: 9 },
    roundsMiB: [676.8, 126.7, 39.0, 28.4, 24.2, 16.7, 14.2, 15.3, 18.2],
    firstRoundS: 54.1,
    sentMiB: 960,
    totalS: 71,
    downtimeMs: 210,
    role: "fitted",
    recalled: [],
  },
  {
    name: "quake3",
    describe: "Quake 3 server, 6 players",
    algorithm: "pre-copy",
    given: { memoryMiB: 64, startUpMs: 40 },
    // The order of the small ones is read off the places of a figure's labels.
    roundsMiB: [56.3, 20.4, 4.6, 1.6, 1.2, 0.9, 1.2, 1.1, 0.8, 0.2, 148 / 1_024],
    sentMiB: 88,
    totalS: 7,
    downtimeMs: 60,
    role: "fitted",
    recalled: [],
  },
  {
    name: "web-server",
    describe: "Static web server, 100 clients (figure 8)",
    algorithm: "pre-copy",
    given: { memoryMiB: 800, startUpMs: 9 },
    firstRoundS: 62,
    totalS: 71.8,
    downtimeMs: 165,
    throughputMbps: { before: 870, firstRound: 765, laterRounds: 694 },
    role: "held-out",
    recalled: ["firstRoundS", "totalS", "downtimeMs"],
  },
  ...[
    [128, 32],
    [256, 16],
    [512, 8],
  ].map(([rateMbps, seconds]): PublishedMigration => ({
    name: `idle-${rateMbps}`,
    describe: `Idle, all of it sent at ${rateMbps} Mbit/s while it stands still`,
    algorithm: "stop-and-copy",
    given: { memoryMiB: 512, startUpMs: 9, rateMbps: rateMbps! },
    totalS: seconds!,
    sentMiB: 512,
    downtimeMs: seconds! * 1_000,
    role: "held-out",
    recalled: [],
  })),
];
