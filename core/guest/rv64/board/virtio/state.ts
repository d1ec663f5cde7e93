// The state of the virtio devices (Virtual I/O Device specification 1.2, section 4.2: over MMIO), one kind of record for all
// of them, so that the transport needs to know nothing of what a device does.

import type { BoardConfig } from "../config.ts";

/** A split virtqueue (2.7). Addresses are given as their low and high halves. */
export interface QueueState {
  size: number;
  ready: boolean;
  descriptors: [number, number];
  driver: [number, number];
  device: [number, number];
  /** Index of the next entry of the available ring to look at, and of the used ring to fill; modulo 2^16. */
  nextAvailable: number;
  nextUsed: number;
}

/** A piece of guest memory: offset from the start of RAM. */
export interface Segment {
  offset: number;
  bytes: number;
}

/** A request that the host has not answered yet. */
export interface PendingRequest {
  request: number;
  queue: number;
  /** Head of its chain of descriptors. */
  head: number;
  /** Where data goes to, in order. */
  writable: Segment[];
  /** Where the status byte of a block request goes to; null for other devices. */
  status: number | null;
}

export type VirtioKind = "block" | "net" | "rng" | "console";

export interface VirtioState {
  readonly kind: VirtioKind;
  /** Id of the disk or nic; the kind itself for the others. */
  readonly id: string;
  status: number;
  featuresSelect: number;
  driverFeaturesSelect: number;
  driverFeatures: [number, number];
  queueSelect: number;
  queues: QueueState[];
  /** InterruptStatus: 1 used buffer, 2 configuration changed. */
  interrupt: number;
  pending: PendingRequest[];
  /** Console: bytes typed and not taken yet. */
  input: number[];
  /** Block: capacity, once it is another than the machine was made with. */
  sectors?: number;
  /** ConfigGeneration: how often the configuration changed, modulo 2^32; absent: never. */
  generation?: number;
  /** Net: frames dropped for lack of room. */
  dropped: number;
}

const QUEUES: Readonly<Record<VirtioKind, number>> = { block: 1, net: 2, rng: 1, console: 2 };

export const newQueue = (): QueueState => ({
  size: 0,
  ready: false,
  descriptors: [0, 0],
  driver: [0, 0],
  device: [0, 0],
  nextAvailable: 0,
  nextUsed: 0,
});

const device = (kind: VirtioKind, id: string): VirtioState => ({
  kind,
  id,
  status: 0,
  featuresSelect: 0,
  driverFeaturesSelect: 0,
  driverFeatures: [0, 0],
  queueSelect: 0,
  queues: Array.from({ length: QUEUES[kind] }, newQueue),
  interrupt: 0,
  pending: [],
  input: [],
  dropped: 0,
});

/** Disks, nics, rng, console, in that order: device i stands at the i-th place of the memory map. */
export const initialVirtio = (config: BoardConfig): VirtioState[] => [
  ...config.disks.map(({ id }) => device("block", id)),
  ...config.nics.map(({ id }) => device("net", id)),
  ...(config.rng ? [device("rng", "rng")] : []),
  ...(config.virtioConsole ? [device("console", "console")] : []),
];
