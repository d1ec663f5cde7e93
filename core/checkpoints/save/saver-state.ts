/**
 * What saves the memory of a running machine: an entity beside it, from the instant of the checkpoint
 * until its file is written.
 */
import {
  Bitmap,
  bitmapWords,
  type Entity,
  type EntityId,
  type PlainObject,
  type Request,
} from "../../kernel/index.ts";
import type { RunImage } from "../../vmm/index.ts";
import { type BesideConfig, blocksOf } from "../beside.ts";
import type { WorkingSet } from "../saved-state.ts";
import type { Block } from "../file/storage-block.ts";

/**
 * How a page stays as it was at the instant. `stop-and-copy`: the machine stands still (the baseline);
 * `copy-aside`: the first write copies it to a side buffer; `redirect`: the first write goes to
 * another page, which is merged later; `lazy`: before the first write its whole block is copied to
 * the staging buffer, and so saved.
 */
export type SaveMethod = "stop-and-copy" | "copy-aside" | "redirect" | "lazy";

/** Nanoseconds, for a page unless said otherwise, at 3 GHz. */
export type SaveCosts = {
  /** About 500 cycles (Adams and Agesen 2006 of a page copied in memory). */
  readonly copyNs: number;
  /** Taking a page of the other space, for `redirect`. */
  readonly allocateNs: number;
  /** A read that is looked up in two tables. */
  readonly secondLookupNs: number;
  /** Bringing a redirected page back: a copy and an entry of the page table. */
  readonly mergeNs: number;
  /** LZ4 at half a gigabyte a second, by another core than the guest's. */
  readonly compressNs: number;
};

export const SAVE_COSTS: SaveCosts = {
  copyNs: 170,
  allocateNs: 60,
  secondLookupNs: 15,
  mergeNs: 230,
  compressNs: 8_000,
};

/**
 * How it is known which pages a machine uses while it is suspended: every first access faults, or the
 * processor's bits are looked at.
 */
export type WorkingSetBy = "traced" | "access-bits";

export type SaverConfig = BesideConfig & {
  /** Trace client: one checkpoint of a memory has it. */
  readonly client: string;
  readonly method: SaveMethod;
  /** Blocks of a storage block, 2 or more. */
  readonly groupBlocks: number;
  /** Blocks that the staging buffer holds; twice `groupBlocks` or more. */
  readonly stagingBlocks: number;
  /** Pages that the side buffer, or the other space, holds. */
  readonly sidePages: number;
  readonly costs: SaveCosts;
  /** What a test breaks on purpose. */
  readonly careless:
    | "savesTwice"
    | "copiesLate"
    | "losesDirty"
    | "forgetsDirty"
    | "countsOwnReads"
    | "savesAbsent"
    | null;
  /** Checkpoint that it stands on: only pages written since are saved; absent: all. */
  readonly since?: string;
  /** Checkpoint that the machine is still being restored from: absent pages stay there. */
  readonly residual?: string;
  /** Notes from the instant on which pages are written. */
  readonly notes?: true;
  /** Saves in the background first, and looks which pages are used; absent: does not. */
  readonly workingSet?: WorkingSetBy;
  /** For so long at least it is looked. */
  readonly traceNs?: number;
};

/** A storage block that is being written, or has been. */
export type Written = {
  readonly sector: number;
  readonly sectors: number;
  readonly indexSectors: number;
  readonly checksum: string;
  readonly blocks: readonly number[];
};

export type SaveFigures = {
  readonly savedBlocks: number;
  readonly storageBlocks: number;
  readonly writtenSectors: number;
  /** Pages, or of `lazy` blocks, that the guest was about to write first. */
  readonly hits: number;
  readonly copiedPages: number;
  /** Largest number of pages held aside, or of blocks in the staging buffer. */
  readonly peakHeld: number;
  /** Accesses for which there was no room. */
  readonly stalls: number;
  readonly stallNs: number;
  /** The buffer was full, and the machine stood still to the end. */
  readonly degraded: number;
  /** Charged to the guest while it was saved, and after. */
  readonly guestNs: number;
  readonly mergedPages: number;
  readonly mergeNs: number;
  /** Of what was saved while the machine ran, and what was left when it stood still. */
  readonly backgroundBlocks?: number;
  readonly savedAgain?: number;
  readonly stopBlocks?: number;
  readonly activePages?: number;
  /** Of another core than the guest's. */
  readonly scanNs?: number;
  /** Absent at the instant, and left where they are; with `residual`. */
  readonly residualPages?: number;
};

/** While a machine runs that is being suspended. */
export type Background = {
  /** Answered when nothing is left that could be saved while it runs. */
  readonly request: Request | null;
  readonly untilNs: number;
  /** Traces that do not count yet. */
  readonly arming: number;
  /** Blocks with active pages, and how many of those have been looked at. */
  readonly active: number;
  readonly cursor: number;
  readonly scannedNs: number;
  readonly waits: boolean;
};

export type SaverState = {
  readonly stage: "idle" | "tracing" | "background" | "arming" | "saving" | "saved" | "failed";
  readonly device: EntityId;
  /** Of the instant; null before it. */
  readonly image: RunImage | null;
  readonly background: Background | null;
  /** Pages that were used, once that is known. */
  readonly workingSet: WorkingSet | null;
  readonly cursor: number;
  /** Copied and to be written. */
  readonly staged: readonly Block[];
  /** Blocks that are being compressed or written. */
  readonly inFlight: number;
  readonly nextSector: number;
  readonly written: readonly Written[];
  readonly sidePages: number;
  readonly pageReads: number;
  /** Access that waits since then; -1: none. */
  readonly heldSinceNs: number;
  readonly isStunned: boolean;
  readonly failure: string;
  /** Answered at the instant, or when all is saved. */
  readonly atInstant: Request | null;
  readonly atEnd: Request | null;
  readonly figures: SaveFigures;
};

export type Saver = Entity<SaverConfig, Record<string, never>, SaverState>;

export const pagesOfBlock = ({ pages, blockPages }: SaverConfig, block: number): number =>
  Math.min(blockPages, pages - block * blockPages);

/** Blocks that are in the staging buffer or beyond it. */
export function savedOf(self: Saver): Bitmap {
  const blocks = blocksOf(self.config);
  const words = self.world.arrays.open(`${self.name}#saved`, "u32", bitmapWords(blocks));
  return new Bitmap(words, blocks);
}

/** Pages as they were at the instant that have been written since, by their place in memory. */
export const sideOf = (self: Saver) => self.content("side", self.config.pages * 8);

export const asPlainFigures = (figures: SaveFigures): PlainObject => ({ ...figures });
