/**
 * How a machine is moved while it runs (Clark et al., NSDI 2005; loose traces: US 11,995,459), and the
 * words in which the two hosts speak.
 */
import type { Entity, EntityId, PlainObject } from "../kernel/index.ts";
import type { PowerOnParams } from "../disks/index.ts";
import type { PackedPages } from "./packing.ts";
import type { Granularity, Prefetch, RunImage, TraceWish } from "../vmm/index.ts";

export type MigrationSettings = {
  /**
   * `pre-copy`: rounds at a rate that follows what was dirtied. Baselines: `fixed-rate`, rounds at the
   * highest rate; `stop-and-copy`, everything while the machine stands still; `post-copy`, which lets
   * it go on at its destination at once, where pages come as they are needed.
   */
  readonly algorithm: "pre-copy" | "fixed-rate" | "stop-and-copy" | "post-copy";
  /** Of the first round. */
  readonly minBitsPerSecond: number;
  /** When a round would have to be faster there is no other. */
  readonly maxBitsPerSecond: number;
  /** Of what is sent while the machine stands still. */
  readonly lastBitsPerSecond: number;
  /** A round is so much faster than pages were dirtied in the one before. */
  readonly stepBitsPerSecond: number;
  /** With less than this left to send the machine is stopped. */
  readonly stopBelowBytes: number;
  readonly maxRounds: number;
  /** What it takes to bring the machine to a standstill, beside what its disks take. */
  readonly stopNs: number;
  /** What it takes to start the machine at its destination, beside everything that is modelled. */
  readonly startUpNs: number;
  readonly granularity: Granularity;
  /** vCPUs that install traces. */
  readonly by: TraceWish["by"];
  /** Post-copy: without a word of the source for so long, the machine counts as lost. */
  readonly patienceNs: number;
  /** Post-copy: what comes with a page that the machine waits for; absent: those next to it in memory. */
  readonly prefetch?: Prefetch;
};

export type MigrateParams = {
  readonly vm: string;
  /** The run as it is now. */
  readonly instance: EntityId;
  readonly to: string;
  readonly settings: MigrationSettings;
  /** How the destination opens the disks. */
  readonly opening: PowerOnParams & PlainObject;
  /** What a move must not do; for tests that show that it is noticed. */
  readonly careless?: {
    readonly lock?: "none" | "start-only";
    readonly unflushed?: boolean;
    readonly forgetsArrived?: boolean;
  };
};

/** One round as its figures tell it. */
export type Round = { readonly bytes: number; readonly ns: number; readonly dirtiedPages: number };

export const PAGE_BYTES = 4_096;

/** Asks to make ready; `source` is the operation that moves the machine. */
export type Reservation = {
  readonly vm: string;
  readonly record: EntityId;
  readonly run: number;
  readonly source: EntityId;
  readonly agent: EntityId;
  readonly opening: PowerOnParams & PlainObject;
  readonly startUpNs: number;
  /** Arrays with pages that nobody has brought yet, and the ways there from the destination. */
  readonly files?: readonly { readonly array: EntityId; readonly paths: readonly EntityId[] }[];
  /** Its pages come when it runs; without a word of them for so long it is given up. Absent: before. */
  readonly patienceNs?: number;
  readonly prefetch?: Prefetch;
};

/** Of the answer to a reservation: files with absent pages are out of reach there. */
export type Far = { readonly isFar?: true };

export type PagesMessage = {
  readonly vm: string;
  readonly source: EntityId;
  readonly packed: PackedPages;
};
export type ImageMessage = AboutMove & {
  readonly image: RunImage;
};
export type AboutMove = { readonly vm: string; readonly source: EntityId };

/** How long the other host, or an entity of this one, may take to answer. */
export const ANSWER_NS = 2_000_000_000;

/** Notice of a step; data is {vm, event, run, ...}. For invariants and whoever watches. */
export const MIGRATION_NOTICE = "migration";
/** Kind of the operation that moves a machine. */
export const MIGRATE = "migrate";
/** Client of the page-trace service. */
export const CLIENT = "migration";

export const agentName = (host: string): string => `${host}/migration`;

export const agentOf = (host: Entity, name: string = host.name): Entity =>
  host.world.named(agentName(name));
