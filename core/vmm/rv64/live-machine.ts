/**
 * An engine as the backing of a memory: the pages of RAM, then the blocks of the harts, so that what a
 * store keeps of it is the whole of what the engine holds. The board around it is made anew whenever
 * its state is another object (after a snapshot or a restore).
 */
import {
  assert,
  hash64,
  MEMORY_PAGE_BYTES,
  type NumberArray,
  type PageBacking,
  type PageSource,
} from "../../kernel/index.ts";
import { rv64 } from "../../guest/index.ts";

/** Shape of the memory of a machine. */
export type MachineShape = {
  readonly pages: number;
  readonly ramPages: number;
  readonly harts: number;
};

const HARTS_PER_PAGE = MEMORY_PAGE_BYTES / rv64.layout.HART_BYTES;

export function machineShape(config: rv64.BoardConfig): MachineShape {
  const ramPages = config.memoryMiB * 256;
  const hartPages = Math.ceil(config.harts / HARTS_PER_PAGE);
  return { pages: ramPages + hartPages, ramPages, harts: config.harts };
}

const NO_TRACES = { words: [], versions: [] };

export class LiveMachine implements PageBacking {
  readonly engine: rv64.Engine;
  readonly #shape: MachineShape;
  readonly #scratch = new Uint8Array(MEMORY_PAGE_BYTES);
  #board: rv64.Board | undefined;
  /** Bitmaps, and their versions, that the marks of traced pages in the engine show. */
  #traces: { readonly words: readonly NumberArray[]; readonly versions: readonly number[] } =
    NO_TRACES;

  constructor(shape: MachineShape, engine: rv64.Engine) {
    this.#shape = shape;
    this.engine = engine;
  }

  /** The board with this state, which it edits in place. */
  board(config: rv64.BoardConfig, state: rv64.BoardState): rv64.Board {
    if (this.#board?.state !== state) this.#board = new rv64.Board(this.engine, config, state);
    return this.#board;
  }

  /** Whether the engine traces what these bitmaps say. */
  showsTraces(words: readonly NumberArray[]): boolean {
    const known = this.#traces;
    if (known.words.length !== words.length) return false;
    return words.every((each, at) => {
      return known.words[at] === each && known.versions[at] === each.version;
    });
  }

  keepTraces(words: readonly NumberArray[]): void {
    this.#traces = { words, versions: words.map(({ version }) => version) };
  }

  /** Nothing is traced. */
  dropTraces(): void {
    if (this.#traces === NO_TRACES) return;
    this.#traces = NO_TRACES;
    this.engine.onHostAccess = null;
    this.engine.hostMayWait = false;
    for (let page = 0; page < this.#shape.ramPages; page++) this.engine.setPageTrace(page, "none");
  }

  /** Instructions that all harts executed since they were made. */
  executed(): number {
    let sum = 0n;
    for (let hart = 0; hart < this.engine.harts; hart++) {
      sum += this.engine.word(hart, rv64.layout.HART_PROGRESS);
    }
    return Number(sum);
  }

  read(page: number): Uint8Array {
    const { ramPages, harts } = this.#shape;
    if (page < ramPages) {
      return this.engine.ram.subarray(page * MEMORY_PAGE_BYTES, (page + 1) * MEMORY_PAGE_BYTES);
    }
    this.#scratch.fill(0);
    const first = (page - ramPages) * HARTS_PER_PAGE;
    for (let hart = first; hart < Math.min(first + HARTS_PER_PAGE, harts); hart++) {
      this.#scratch.set(this.engine.readHart(hart), (hart - first) * rv64.layout.HART_BYTES);
    }
    return this.#scratch;
  }

  write(page: number, bytes: Uint8Array): void {
    const { ramPages, harts } = this.#shape;
    if (page < ramPages) return this.engine.writeRam(page * MEMORY_PAGE_BYTES, bytes);
    const first = (page - ramPages) * HARTS_PER_PAGE;
    for (let hart = first; hart < Math.min(first + HARTS_PER_PAGE, harts); hart++) {
      const at = (hart - first) * rv64.layout.HART_BYTES;
      this.engine.writeHart(hart, bytes.slice(at, at + rv64.layout.HART_BYTES));
    }
  }

  /** The harts are looked at always: they are never the same for long. */
  takeDirty(): readonly number[] {
    const dirty = this.engine.dirtyPages();
    this.engine.clearDirty();
    for (let page = this.#shape.ramPages; page < this.#shape.pages; page++) dirty.push(page);
    return dirty;
  }
}

/** What a world needs to make machines; large and immutable, no state. */
export interface Machines {
  /** A file that a machine boots, by SHA-256. */
  readonly file: (sha256: string) => Uint8Array;
  /** A page of one of the files; see `pagesOfFiles`. */
  readonly pageOfFile: PageSource;
  /** RAM is zero, harts are as at power-on. */
  readonly engine: (options: rv64.EngineOptions) => rv64.Engine;
  /** Instructions between two looks outside; changes nothing. */
  readonly slice: number;
}

export function makeLiveMachine(machines: Machines | undefined, shape: MachineShape): LiveMachine {
  assert(machines, "no engine for real guests was given");
  const { ramPages, harts } = shape;
  return new LiveMachine(shape, machines.engine({ ramBytes: ramPages * MEMORY_PAGE_BYTES, harts }));
}

/** Whole pages of files by hash. They are looked through at the first question: a boot never asks. */
export function pagesOfFiles(files: Iterable<Uint8Array>): PageSource {
  let known: Map<bigint, Uint8Array> | undefined;
  const lookThrough = (): Map<bigint, Uint8Array> => {
    const pages = new Map<bigint, Uint8Array>();
    for (const file of files) {
      for (let at = 0; at + MEMORY_PAGE_BYTES <= file.length; at += MEMORY_PAGE_BYTES) {
        const bytes = file.subarray(at, at + MEMORY_PAGE_BYTES);
        pages.set(hash64(bytes), bytes);
      }
    }
    return pages;
  };
  return (hash) => (known ??= lookThrough()).get(hash);
}

/** The files that a machine boots. */
export function bootFiles(machines: Machines, { boot }: rv64.BoardConfig): rv64.BootFiles {
  const named = boot.kind === "elf" ? [boot.file] : [boot.kernel, boot.initrd];
  const files = new Map<string, Uint8Array>();
  for (const sha256 of named) if (sha256 !== null) files.set(sha256, machines.file(sha256));
  return files;
}
