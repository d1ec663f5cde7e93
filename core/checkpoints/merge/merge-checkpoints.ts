/**
 * The files of an incremental checkpoint become one while the VM runs: they are read and written again
 * by its host, storage block by storage block, and what nothing stands on any more goes. An incremental
 * checkpoint need never be whole again by saving all of memory.
 *
 * Order is everything. The intent is in the catalog before the volume is made; all of the new file is
 * flushed before its commit record, and that before the one write of the catalog that puts it in the
 * place of the chain; only then the old files go. Until that write the chain is the checkpoint, and
 * others may be made on it: the new file says for which one it stands.
 *
 * Must hold: no file goes that a restore still reads. So the VM runs here, its restore is over, and no
 * other can begin while the intent is open.
 */
import {
  type ContentRun,
  go,
  operation,
  type PlainObject,
  type Step,
  together,
  wait,
} from "../../kernel/index.ts";
import { askArray, askDevice } from "../../disks/index.ts";
import { mergedVolume } from "../catalog.ts";
import { bytesRun } from "../file/bytes.ts";
import {
  blocksOf,
  COMMIT_SECTOR,
  DATA_SECTOR,
  encodeCommit,
  encodeHead,
  encodeTail,
  type Head,
  pagesOfBlock,
} from "../file/layout.ts";
import type { Maps } from "../file/maps.ts";
import { RESTORE_COSTS } from "../restore/restorer-state.ts";
import { commitOf, plainCommit } from "../save/checkpoint-params.ts";
import { SAVE_COSTS } from "../save/saver-state.ts";
import { closingPhases } from "./closing.ts";
import { gatherGroup, missingForGroup } from "./gather.ts";
import {
  initialMerge,
  type MergeOp as Op,
  type MergeParams,
  type MergeState,
  oldest,
} from "./merge-state.ts";
import { openingPhases } from "./opening.ts";

type Read = { readonly runs: readonly ContentRun[] };

export const mergeCheckpoints = operation<MergeParams & PlainObject, MergeState & PlainObject>(
  "merge-checkpoints",
  {
    ...openingPhases,

    writeHead(_host, op: Op) {
      const state = op.edit();
      state.nextSector = DATA_SECTOR;
      state.figures.mergedFiles = state.layers.length;
      return write(op, 0, [bytesRun(encodeHead(headOf(op)))], "nextGroup");
    },

    /** A storage block of the oldest file, with what newer ones have of it. */
    nextGroup(host, op: Op) {
      const { head, storage } = oldest(op);
      const isHere = (block: number): boolean => pagesOfBlock(head, block) > 0;
      const group = storage.findIndex(
        ({ blocks }, number) => number >= op.state.group && blocks.some(isHere),
      );
      if (group < 0) return go("fitVolume");
      const state = op.edit();
      state.group = group;
      const reading = missingForGroup(host, op);
      state.reading = reading;
      const reads = reading.map((number) => {
        const { sector, sectors, below } = op.state.storage[number]!;
        state.figures.reads++;
        state.figures.readSectors += sectors;
        const device = below?.device ?? op.state.layers[0]!.device;
        return { ...askDevice(device, { op: "read", sector, sectors }, ""), next: "" };
      });
      return together(reads, "gather", "giveUp");
    },

    /** Decompressing and compressing take their time, by another core than the guest's. */
    gather(host, op: Op, reads: readonly Read[]) {
      const made = gatherGroup(host, op, reads);
      const state = op.edit();
      if (!made.ok) {
        state.failure ??= { code: made.problem.code, detail: made.problem.message };
        return go("giveUp");
      }
      const { at, runs, isCopy } = made.value;
      const { head, storage } = oldest(op);
      const blocks = storage[op.state.group]!.blocks.filter(
        (block) => pagesOfBlock(head, block) > 0,
      );
      const entry = { ...at, checksum: at.checksum.toString(), blocks: [...blocks] };
      state.pending = { ...entry, runs } as never;
      state.figures.storageBlocks++;
      state.figures.writtenSectors += at.sectors;
      if (isCopy) state.figures.copiedBlocks++;
      const pages = isCopy ? 0 : blocks.length * head.blockPages;
      return wait(pages * (RESTORE_COSTS.decompressNs + SAVE_COSTS.compressNs), "writeGroup");
    },

    writeGroup(_host, op: Op) {
      const { runs, ...entry } = op.state.pending!;
      const state = op.edit();
      state.written.push(entry as never);
      state.nextSector = entry.sector + entry.sectors;
      state.pending = null;
      state.group++;
      return write(op, entry.sector, runs as unknown as readonly ContentRun[], "nextGroup");
    },

    fitVolume(_host, op: Op) {
      const { commit, bytes } = tailOf(op);
      const state = op.edit();
      state.commit = plainCommit(commit) as never;
      state.fileSectors = state.nextSector + bytes.length / 512;
      const name = mergedVolume(op.params.vm, state.chain[0]!.checkpoint);
      const body = { name, sectors: state.fileSectors };
      return askArray(op.params.array, "resize-volume", body, "writeTail", "giveUp");
    },

    writeTail: (_host, op: Op) =>
      write(op, op.state.nextSector, [bytesRun(tailOf(op).bytes)], "flush"),

    flush: (_host, op: Op) => flush(op, "writeCommit"),

    writeCommit: (_host, op: Op) =>
      write(op, COMMIT_SECTOR, [bytesRun(encodeCommit(commitOf(op.state.commit)))], "flushCommit"),

    flushCommit: (_host, op: Op) => flush(op, "awaitRestore"),

    ...closingPhases,
  },
  initialMerge,
);

function headOf(op: Op): Head {
  const { head } = op.state.layers[0]!;
  const { blockPages } = oldest(op).head;
  return { ...(head as Head), blockPages, base: null, standsFor: op.state.standsFor };
}

function tailOf(op: Op) {
  const { written, nextSector, state } = op.state;
  const head = headOf(op);
  const storageOf = new Int32Array(blocksOf(head)).fill(-1);
  written.forEach(({ blocks }, number) => blocks.forEach((block) => (storageOf[block] = number)));
  const maps: Maps = {
    storageBlocks: written.map((each) => ({ ...each, checksum: BigInt(each.checksum) })),
    blocks: storageOf.length,
    storageOf: (block) => storageOf[block]!,
  };
  return encodeTail(encodeHead(head), nextSector, state!, maps);
}

function write(op: Op, sector: number, runs: readonly ContentRun[], next: string): Step {
  const sectors = runs.reduce((sum, run) => sum + run.sectors, 0);
  return { ...askDevice(op.state.output, { op: "write", sector, sectors, runs }, "giveUp"), next };
}

const flush = (op: Op, next: string): Step => ({
  ...askDevice(op.state.output, { op: "flush" }, "giveUp"),
  next,
});
