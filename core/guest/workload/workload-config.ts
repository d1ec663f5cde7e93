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

type PhaseOf<B, N> = {
  readonly name: string;
  readonly durationNs: number;
  readonly threads: number;
  readonly busyPercent: number;
  readonly memory?:
    | {
        readonly workingSetPages: number;
        readonly readsPerSecond: number;
        readonly writesPerSecond: number;
        readonly distribution: Places;
        /** Absent: pages lie in order. */
        readonly fragmentationPercent?: number;
      }
    | undefined;
  readonly block: readonly B[];
  readonly network: readonly N[];
  readonly events: readonly { readonly name: string; readonly atNs: number }[];
};

export type WorkloadWish = {
  readonly bootNs: number;
  readonly verifySectors?: number | undefined;
  readonly repeat: boolean;
  readonly phases: readonly PhaseOf<BlockStreamWish, NetworkWish>[];
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
