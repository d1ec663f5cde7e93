/**
 * Configuration of a modelled workload. What is drawn is prepared here once: a distribution that is
 * part of the configuration is the same object in every draw.
 */
import {
  assert,
  bernoulli,
  exponential,
  SECOND,
  uniform,
  zipf,
  type Distribution,
} from "../../kernel/index.ts";
import type { PageRange } from "../integrity/index.ts";

export type Places = "uniform" | "zipf" | "sequential";

export type BlockStreamWish = {
  /** Index into the guest's disks. */
  readonly disk: number;
  readonly readPercent: number;
  readonly sectors: number;
  /** Use only the first part of the disk. */
  readonly regionSectors: number;
  readonly distribution: Places;
  /** A flush after so many writes; 0 = never. */
  readonly flushEvery: number;
  readonly pacing:
    | { readonly kind: "closed"; readonly outstanding: number; readonly thinkNs: number }
    | { readonly kind: "open"; readonly requestsPerSecond: number };
};

export type NetworkWish = {
  /** Id of the virtual machine that receives. */
  readonly to: string;
  readonly messagesPerSecond: number;
  readonly bytes: number;
  readonly delivery: "datagram" | "stream";
};

export type WorkingSetWish = {
  readonly workingSetPages: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  readonly distribution: Places;
};

type PhaseOf<B, N> = {
  readonly name: string;
  readonly durationNs: number;
  readonly threads: number;
  readonly busyPercent: number;
  /** `further`: sets in pages behind those of the first. */
  readonly memory?:
    | (WorkingSetWish & {
        readonly further?: readonly WorkingSetWish[] | undefined;
        /** Absent: pages lie in order. */
        readonly fragmentationPercent?: number;
      })
    | undefined;
  readonly block: readonly B[];
  readonly network: readonly N[];
  readonly events: readonly { readonly name: string; readonly atNs: number }[];
};

/** When an attack happens: at its time, or in the first update (interrupted update) after it. */
export type AttackMoment = "at-once" | "in-update" | "in-interrupt";

export type AttackWish = {
  readonly atNs: number;
  readonly when: AttackMoment;
  /** Who writes, or what else it does. */
  readonly by: "kernel" | "device" | "driver" | "forged-entry" | "unprotect";
  readonly page: number;
  readonly pages: number;
};

/** A guest integrity driver, and who attacks what it protects. */
export type GuardWish = {
  readonly code: PageRange;
  readonly data: PageRange;
  readonly protect: readonly PageRange[];
  /** The driver updates its data so often, for so long, each time on the next vCPU. */
  readonly updateEveryNs: number;
  readonly updateNs: number;
  /** Every so many updates one is interrupted in the middle, for so long; 0: never. */
  readonly interruptEvery: number;
  readonly interruptNs: number;
  readonly attacks: readonly AttackWish[];
};

export type WorkloadWish = {
  readonly bootNs: number;
  readonly verifySectors?: number | undefined;
  readonly repeat: boolean;
  readonly phases: readonly PhaseOf<BlockStreamWish, NetworkWish>[];
  readonly guard?: GuardWish;
};

export type BlockStream = BlockStreamWish & {
  /** Places of a request's size in the region. */
  readonly slots: number;
  /** Null: one after the other. */
  readonly place: Distribution | null;
  readonly reads: Distribution;
  /** Between arrivals; null for closed pacing. */
  readonly gap: Distribution | null;
};

export type NetworkStream = NetworkWish & { readonly gap: Distribution };

export type WorkloadConfig = Omit<WorkloadWish, "phases"> & {
  readonly phases: readonly PhaseOf<BlockStream, NetworkStream>[];
};

/** Zipf's exponent 1. */
const SKEW = 1_000;

export function workloadConfig(wish: WorkloadWish): WorkloadConfig {
  const phases = wish.phases.map((phase) => ({
    ...phase,
    block: phase.block.map(blockStream),
    network: phase.network.map((each) => ({ ...each, gap: gapOf(each.messagesPerSecond) })),
  }));
  return { ...wish, phases };
}

function blockStream(wish: BlockStreamWish): BlockStream {
  const { sectors, regionSectors, readPercent, distribution, pacing } = wish;
  const slots = Math.floor(regionSectors / sectors);
  assert(slots >= 1, () => `a request of ${sectors} sectors in a region of ${regionSectors}`);
  const place =
    distribution === "sequential"
      ? null
      : distribution === "zipf"
        ? zipf(slots, SKEW)
        : uniform(slots);
  const gap = pacing.kind === "open" ? gapOf(pacing.requestsPerSecond) : null;
  return { ...wish, slots, place, reads: bernoulli(readPercent, 100), gap };
}

const gapOf = (perSecond: number): Distribution => exponential(Math.round(SECOND / perSecond));
