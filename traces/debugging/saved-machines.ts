/**
 * The states of a machine that the snapshots of its trace hold, found by place. A snapshot is looked
 * at when it is asked for, so opening a long trace costs nothing here.
 */
import {
  type EntityInImage,
  entityInImage,
  type MemoryPage,
  type PageChunk,
} from "../../core/kernel/index.ts";
import { rv64 } from "../../core/guest/index.ts";
import {
  absentClientsOf,
  machineShape,
  type MachineState,
  type MemoryState,
} from "../../core/vmm/index.ts";
import type { Timeline } from "../replaying/timeline.ts";
import type { EntryLog } from "./entry-log.ts";
import type { KeptMachine } from "./recorded-board.ts";

const { HART_BYTES, HART_PROGRESS } = rv64.layout;

export interface SavedMachine extends KeptMachine {
  /** Instructions executed before it in its run, of all harts. */
  readonly executed: bigint;
  /** Pages of RAM, then those of the harts. */
  readonly chunks: readonly PageChunk[];
}

/** Where a snapshot finds the machine, `isThere` when it holds it there. */
interface Look {
  readonly place: number;
  readonly isThere: boolean;
}

export interface SavedOptions {
  readonly timeline: () => Timeline;
  readonly vm: string;
  readonly config: rv64.BoardConfig;
  readonly log: EntryLog;
}

export class SavedMachines {
  readonly #options: SavedOptions;
  readonly #looks = new Map<number, Look>();

  constructor(options: SavedOptions) {
    this.#options = options;
  }

  /** The last place within `from` and `upTo` at which a snapshot holds the machine. */
  last(from: number, upTo: number): { readonly place: number; readonly index: number } | undefined {
    const { snapshots } = this.#options.timeline().run;
    let low = 0;
    for (let high = snapshots.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this.#look(middle).place <= upTo) low = middle + 1;
      else high = middle;
    }
    for (let index = low - 1; index >= 0; index--) {
      const { place, isThere } = this.#look(index);
      if (place < from) return undefined;
      if (isThere) return { place, index };
    }
    return undefined;
  }

  /** What a snapshot holds, by what `last` found. */
  read(index: number): SavedMachine {
    const { config, log } = this.#options;
    const { record, inside } = this.#inside(index);
    const { place } = this.#look(index);
    const chunks = inside!.memory("ram")!;
    const harts = this.#harts(chunks, config);
    const executed = harts.reduce((sum, { buffer, byteOffset }) => {
      return sum + new DataView(buffer, byteOffset).getBigUint64(HART_PROGRESS, true);
    }, 0n);
    const state = structuredClone(stateOf(inside!).board) as unknown as rv64.BoardState;
    const next = record.durable["steps"] as number;
    return { place, run: log.runAt(place), harts, state, next, executed, chunks };
  }

  /** Bytes of a page of a snapshot. */
  bytesOf(page: MemoryPage): Uint8Array {
    return this.#options.timeline().world.memories.bytesOf(page);
  }

  #harts(chunks: readonly PageChunk[], config: rv64.BoardConfig): Uint8Array[] {
    const { ramPages } = machineShape(config);
    const pages = chunks.flat().slice(ramPages);
    const blocks = Buffer.concat(pages.map((page) => this.bytesOf(page)));
    return Array.from({ length: config.harts }, (_, hart) =>
      Uint8Array.from(blocks.subarray(hart * HART_BYTES, (hart + 1) * HART_BYTES)),
    );
  }

  #inside(index: number): {
    readonly record: EntityInImage;
    /** Undefined: it is not on, or some of its pages are still elsewhere. */
    readonly inside: EntityInImage | undefined;
  } {
    const { timeline, vm } = this.#options;
    const opened = timeline();
    const image = opened.image(opened.run.snapshots[index]!);
    const record = entityInImage(image, vm)!;
    const inside = entityInImage(image, record.durable["instance"] as number);
    const traced = inside && entityInImage(image, `${inside.name}/memory`);
    const lacksSome = traced && absentClientsOf(traced.volatile as MemoryState).length > 0;
    return { record, inside: lacksSome === true ? undefined : inside };
  }

  #look(index: number): Look {
    const known = this.#looks.get(index);
    if (known !== undefined) return known;
    const { record, inside } = this.#inside(index);
    const look = this.#lookAt(record, inside);
    this.#looks.set(index, look);
    return look;
  }

  #lookAt({ durable }: EntityInImage, inside: EntityInImage | undefined): Look {
    const { log } = this.#options;
    const taken = durable["steps"] as number;
    const {
      boots = 0,
      board = null,
      isProtected = false,
    } = inside === undefined ? {} : stateOf(inside);
    // One that is followed may have received what did not count yet, or never will.
    if (board !== null && !isProtected && inside?.memory("ram") !== undefined) {
      const run = log.runs.findLast(({ first }) => first <= taken);
      if (run?.boots === boots) return { place: run.zero + board.progress, isThere: true };
    }
    return { place: log.placeOf(taken - 1), isThere: false };
  }
}

const stateOf = (inside: EntityInImage): MachineState => inside.volatile as unknown as MachineState;
