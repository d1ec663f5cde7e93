/**
 * What a search may turn about the datacenter and the guests of a scenario: caches, latencies,
 * bandwidths, clocks, sizes, loads. Each knob leaves a document well-formed.
 */
import type { ResolvedScenario } from "../../scenarios/index.ts";
import { between, chance, type Chooser, oneOf, skewed } from "./chooser.ts";

type Vm = ResolvedScenario["vms"][number];
type Disk = Vm["disks"][number];

export interface Knob {
  readonly name: string;
  turn(chooser: Chooser, document: ResolvedScenario): ResolvedScenario;
}

const eachDisk = (
  document: ResolvedScenario,
  change: (disk: Disk, vm: Vm) => Disk,
): ResolvedScenario => ({
  ...document,
  vms: document.vms.map((vm) => ({ ...vm, disks: vm.disks.map((disk) => change(disk, vm)) })),
});

const CACHE_MODES = ["none", "writethrough", "writeback"] as const;

/** Not of what has no page cache on its way, and of protected VMs only what loses no writes. */
const cacheModes: Knob = {
  name: "cache modes",
  turn: (chooser, document) =>
    eachDisk(document, (disk, { protection }) => {
      if (disk.on.includes("/") || disk.kind === "network") return disk;
      const modes = CACHE_MODES.slice(0, protection === undefined ? 3 : 2);
      return { ...disk, cacheMode: oneOf(chooser, modes) };
    }),
};

const grains: Knob = {
  name: "grain sizes",
  turn: (chooser, document) =>
    eachDisk(document, (disk) => ({ ...disk, grainKiB: oneOf(chooser, [4, 16, 64, 256]) })),
};

/** Those of protected VMs forget nothing. */
const arrayCaches: Knob = {
  name: "array caches",
  turn(chooser, document) {
    const followed = document.vms.filter(({ protection }) => protection !== undefined);
    const needed = new Set(followed.flatMap(({ disks }) => disks.map(({ on }) => on)));
    const arrays = document.arrays.map((array) => ({
      ...array,
      writeCacheMiB: oneOf(chooser, [0, 1, 64]),
      writeCacheProtected: chance(chooser, 50) || needed.has(array.id),
    }));
    return { ...document, arrays };
  },
};

const arrayLatencies: Knob = {
  name: "array latencies",
  turn: (chooser, document) => ({
    ...document,
    arrays: document.arrays.map((array) => {
      const median = skewed(chooser, 10, 2_000);
      const latency = { median, p99: median * between(chooser, 2, 20) };
      return { ...array, readLatencyUs: latency, writeLatencyUs: latency };
    }),
  }),
};

const links: Knob = {
  name: "links",
  turn: (chooser, document) => ({
    ...document,
    links: document.links.map((link) => ({
      ...link,
      latencyUs: skewed(chooser, 1, 2_000),
      jitterUs: skewed(chooser, 0, 1_000),
      bandwidthMbps: oneOf(chooser, [100, 1_000, 10_000]),
      lossPerMillion: oneOf(chooser, [0, 0, 2_000]),
      duplicatePerMillion: oneOf(chooser, [0, 0, 20_000]),
      reorderPerMillion: oneOf(chooser, [0, 0, 20_000]),
      queueKiB: oneOf(chooser, [16, 1_024, 1_024]),
    })),
  }),
};

/** Another way from a host to an array, so that a path can be lost. */
const paths: Knob = {
  name: "second paths",
  turn: (chooser, document) => {
    if (document.links.length === 0) return document;
    const link = oneOf(chooser, document.links);
    const id = `${link.id}-again`;
    if (document.links.some((each) => each.id === id)) return document;
    return { ...document, links: [...document.links, { ...link, id }] };
  },
};

const clocks: Knob = {
  name: "clocks",
  turn: (chooser, document) => ({
    ...document,
    hosts: document.hosts.map((host) => ({
      ...host,
      clock: {
        ...host.clock,
        offsetUs: between(chooser, -2_000, 2_000),
        driftPpm: between(chooser, -100, 100),
      },
    })),
  }),
};

/** Loads of modelled guests; captured and real ones do what they do. */
const loads: Knob = {
  name: "loads",
  turn: (chooser, document) => ({
    ...document,
    vms: document.vms.map((vm) => {
      const { guest } = vm;
      if (guest.kind !== "workload") return vm;
      const phases = guest.phases.map((phase) => ({
        ...phase,
        block: phase.block.map((block) => {
          const readPercent = oneOf(chooser, [0, 30, 70]);
          const flushEvery = oneOf(chooser, [1, 2, 8, 32]);
          const distribution = oneOf(chooser, ["uniform", "zipf", "sequential"] as const);
          const shared = { ...block, readPercent, flushEvery, distribution };
          if (shared.pacing === "open") return shared;
          const thinkTimeUs = skewed(chooser, 500, 8_000);
          return { ...shared, outstanding: between(chooser, 1, 4), thinkTimeUs };
        }),
      }));
      return { ...vm, guest: { ...guest, phases } };
    }),
  }),
};

/** How often modelled guests touch their memory, and how their page tables scatter it. */
const memories: Knob = {
  name: "memories",
  turn: (chooser, document) => ({
    ...document,
    vms: document.vms.map((vm) => {
      const { guest } = vm;
      if (guest.kind !== "workload") return vm;
      const phases = guest.phases.map((phase) => {
        if (phase.memory === undefined) return phase;
        const memory = {
          ...phase.memory,
          readsPerSecond: skewed(chooser, 100, 4_000),
          writesPerSecond: skewed(chooser, 100, 4_000),
          distribution: oneOf(chooser, ["uniform", "zipf", "sequential"] as const),
          fragmentationPercent: oneOf(chooser, [0, 50, 100]),
        };
        return { ...phase, memory };
      });
      return { ...vm, guest: { ...guest, phases } };
    }),
  }),
};

export const knobs: readonly Knob[] = [
  cacheModes,
  grains,
  arrayCaches,
  arrayLatencies,
  links,
  paths,
  clocks,
  loads,
  memories,
];
