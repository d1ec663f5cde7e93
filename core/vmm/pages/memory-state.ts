/**
 * The memory of a running virtual machine as its host sees it: who traces which pages, which vCPUs have
 * taken notice, and what a modelled guest is writing. One entity a run, made when it is first needed,
 * beside the run in its host's domain: it goes where the run goes.
 */
import {
  Bitmap,
  bitmapWords,
  type Component,
  type Entity,
  type EntityId,
  type NumberArray,
  type Request,
} from "../../kernel/index.ts";
import type { integrity, StoreOutput, TouchedSet } from "../../guest/index.ts";
import type { TablesState } from "../integrity/judge.ts";
import type { MachineEntity } from "../rv64/machine-state.ts";
import type { VmEntity } from "../vm-state.ts";
import type { NoState } from "../vm-record.ts";
import type { Granularity, TraceCosts } from "./costs.ts";

export type MemoryConfig = {
  readonly vm: EntityId;
  readonly record: EntityId;
  readonly pages: number;
  readonly vcpus: number;
  /** Its content is bytes of a real machine, not stamps. */
  readonly isReal: boolean;
  /** Disk number of the stamps that its guest writes into memory. */
  readonly number: number;
  readonly costs: TraceCosts;
};

/** Which accesses a client sees: stores only, or loads and fetches too. */
export type TraceMode = "stores" | "accesses";

/**
 * `travels`: what it traces and has seen goes along, and so does its owner (travelling.ts). `ends`: it
 * is of the place; its owner hears `run-moved` once the run is gone. The others are waited for:
 * `before-copy` those without whom pages are not there, `before-stop` those that still save them.
 */
export type OnMove = "travels" | "ends" | "before-copy" | "before-stop";

/** Somebody who traces pages. Its bitmaps are `armed`, `pending`, `dirty` and `taken`. */
export type TraceClient = {
  readonly name: string;
  readonly mode: TraceMode;
  /** Higher ones see an access first. */
  readonly priority: number;
  readonly granularity: Granularity;
  /** A trace stays where it was hit; else the page is marked dirty and the trace is gone. */
  readonly keeps: boolean;
  /**
   * Sees what vCPUs do, not devices: `traces` by faults, `hardware` by bits that the processor sets in the
   * second-stage tables, which cost the guest nothing. Absent: everything.
   */
  readonly vcpusBy?: "traces" | "hardware";
  /** Entity of the host whose handler `trace-hit` is called before each access; -1: none. */
  readonly owner: EntityId;
  /** Traces that count once every vCPU has flushed at this generation. */
  readonly pending: { readonly generation: number; readonly request: Request | null } | null;
  readonly hits: number;
  /** What becomes of it when the run is moved, or saved; absent: `travels`. */
  readonly onMove?: OnMove;
};

/** A further working set: where it begins, and where sequential writing goes on in it. */
export type FurtherSet = TouchedSet & { readonly firstPage: number; readonly next: number };

/** What a guest is writing, spread evenly over a span of its own time; counts are of all sets. */
export type TouchBatch = TouchedSet & {
  /** Absent when there is one set only. */
  readonly further?: readonly FurtherSet[];
  readonly fragmentationPercent?: number;
  readonly sinceNs: number;
  readonly overNs: number;
  readonly doneReads: number;
  readonly doneWrites: number;
  /** What all vCPUs together were charged since it began. */
  readonly stallNs: number;
};

export type MemoryState = {
  /** Generation of traces that each vCPU has flushed at: it may miss later ones. */
  readonly flushed: readonly number[];
  /** Charged to each vCPU and not yet taken from its computing. */
  readonly owedNs: readonly number[];
  readonly generation: number;
  /** By priority. */
  readonly clients: readonly TraceClient[];
  readonly batch: TouchBatch | null;
  /** Where sequential writing goes on. */
  readonly cursor: number;
  /** Accesses so far: whose turn is next. */
  readonly turn: number;
  readonly deviceCursor: number;
  readonly figures: TraceFigures;
  /** Access before which the guest stands until somebody lets it proceed. */
  readonly held: HeldAccess | null;
  /** It may proceed now, and is the next one. */
  readonly released: Access | null;
  /** What owners of traces add to the price of the access that they are being told of. */
  readonly hitNs: number;
  /** The guest has an integrity driver: its second-stage tables. */
  readonly tables?: TablesState;
  /** What a modelled guest does behind a held access, in order; the first one may be the held one. */
  readonly stores?: readonly WaitingStore[];
};

export type WaitingStore =
  StoreOutput | { readonly kind: "tables"; readonly second: integrity.SecondStage };

export type Access = { readonly page: number; readonly vcpu: number; readonly writes: boolean };

export type HeldAccess = Access & { readonly client: string };

export type TraceFigures = {
  readonly faults: number;
  readonly splits: number;
  readonly flushes: number;
  readonly chargedNs: number;
  /** Writes of a modelled guest that it had no time for, because it paid for traces. */
  readonly lostWrites: number;
};

export type MemoryEntity = Entity<MemoryConfig, NoState, MemoryState>;
export type MemoryComponent = Component<MemoryConfig, NoState, MemoryState>;

/** Sectors of a page, in which content is counted. */
export const PAGE_SECTORS = 8;

/** Of a modelled guest: for each page the stamp of its first sector; 0: zeros. */
export const stampsOf = (self: MemoryEntity): NumberArray =>
  self.world.arrays.open(`${self.name}#pages`, "f64", self.config.pages);

export type ClientBitmap = "armed" | "pending" | "dirty" | "taken";

export const clientBitmap = (self: MemoryEntity, client: string, which: ClientBitmap): Bitmap =>
  bitmapOf(self, `${client}.${which}`, self.config.pages);

export function bitmapOf(self: MemoryEntity, label: string, bits: number): Bitmap {
  const words = self.world.arrays.open(`${self.name}#${label}`, "u32", bitmapWords(bits));
  return new Bitmap(words, bits);
}

/** Pages that the host must not read or change. */
export const privatePages = (self: MemoryEntity): Bitmap =>
  bitmapOf(self, "private", self.config.pages);

export const clientOf = (self: MemoryEntity, name: string): TraceClient | undefined =>
  self.volatile.clients.find((client) => client.name === name);

/** The run whose memory it is; undefined when that has just ended. */
export const ownerOf = (self: MemoryEntity): VmEntity | undefined =>
  self.world.entityOrNone(self.config.vm) as VmEntity | undefined;

/** The memory of a run, if it has been needed yet. */
export function knownMemory(vm: VmEntity | MachineEntity): MemoryEntity | undefined {
  const { registry } = vm.world;
  const id = registry.idOf(`${vm.name}/memory`);
  return id === undefined ? undefined : (vm.world.entity(id) as unknown as MemoryEntity);
}
