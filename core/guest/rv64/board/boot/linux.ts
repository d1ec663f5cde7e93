// Places a Linux kernel `Image`, its initial RAM disk and the device tree in RAM (Linux, Documentation/arch/riscv/boot.rst
// and boot-image-header.rst): the kernel where its header asks, the tree in the last 64 KiB, the RAM disk right below.

import type { Engine } from "../../engine.ts";
import * as layout from "../../layout.ts";
import type { BoardConfig, BoardProblem, LinuxBoot } from "../config.ts";
import { describeMachine } from "./describe.ts";
import { flattenTree } from "./flattened-tree.ts";

const HEADER_BYTES = 64;
/** "RSC\x05" at 56, little-endian. */
const MAGIC = 0x05435352;
const TREE_BYTES = 64 * 1024;
const SEED = /^([0-9a-f]{2}){0,64}$/;

export interface Kernel {
  /** Distance from the start of RAM. */
  readonly offset: number;
  /** Bytes that it occupies once it runs, zeroed data included. */
  readonly memoryBytes: number;
}

type Read<T> = T | BoardProblem;
export const isProblem = (value: object): value is BoardProblem => "code" in value;

export function readKernelHeader(image: Uint8Array): Read<Kernel> {
  const bad = (message: string): BoardProblem => ({ code: "bad-kernel", message });
  if (image.length < HEADER_BYTES) return bad("too short for a kernel image");
  const view = new DataView(image.buffer, image.byteOffset, HEADER_BYTES);
  if (view.getUint32(56, true) !== MAGIC) return bad("not a RISC-V Linux Image");
  if ((view.getUint32(24, true) & 1) === 1) return bad("a big-endian kernel");
  const offset = view.getBigUint64(8, true);
  const memoryBytes = view.getBigUint64(16, true);
  const most = 1n << 40n;
  if (offset > most || memoryBytes > most || offset % 4096n !== 0n)
    return bad("the header asks for an impossible place");
  return {
    offset: Number(offset),
    memoryBytes: Math.max(Number(memoryBytes), image.length),
  };
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Offsets from the start of RAM. */
interface Placement {
  readonly kernel: number;
  readonly initrd: number;
  readonly tree: number;
}

/** Where the files of a boot go, or what does not fit. */
export function placeLinux(files: LinuxFiles, ramBytes: number): Read<Placement> {
  const kernel = readKernelHeader(files.kernel);
  return isProblem(kernel) ? kernel : place(kernel, files.initrd?.length ?? 0, ramBytes);
}

function place(kernel: Kernel, initrdBytes: number, ramBytes: number): Read<Placement> {
  const tree = ramBytes - TREE_BYTES;
  const kernelEnd = kernel.offset + kernel.memoryBytes;
  if (kernelEnd > tree)
    return {
      code: "kernel-too-large",
      message: `the kernel needs ${mib(kernelEnd + TREE_BYTES)} of RAM, the machine has ${mib(ramBytes)}`,
    };
  const initrd = Math.floor((tree - initrdBytes) / layout.PAGE_BYTES) * layout.PAGE_BYTES;
  if (initrd < kernelEnd)
    return {
      code: "initrd-too-large",
      message: `initrd of ${mib(initrdBytes)} beside a kernel of ${mib(kernelEnd)} in ${mib(ramBytes)} of RAM`,
    };
  return { kernel: kernel.offset, initrd, tree };
}

function seedBytes(text: string | null): Uint8Array | null {
  if (text === null) return null;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    Number.parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );
}

export interface LinuxFiles {
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array | null;
}

/** Writes all three into RAM; returns where the kernel starts and its tree stands, as physical addresses. */
export function loadLinux(
  engine: Engine,
  config: BoardConfig,
  boot: LinuxBoot,
  files: LinuxFiles,
  virtioDevices: number,
): Read<{ readonly entry: bigint; readonly tree: bigint }> {
  if (boot.rngSeed !== null && !SEED.test(boot.rngSeed))
    return { code: "bad-config", message: "rngSeed: up to 64 bytes in hexadecimal" };
  const initrdBytes = files.initrd?.length ?? 0;
  const placed = placeLinux(files, engine.ramBytes);
  if (isProblem(placed)) return placed;
  const start = layout.RAM_BASE + placed.initrd;
  const description = describeMachine(config, virtioDevices, {
    commandLine: boot.commandLine,
    initrd: files.initrd === null ? null : { start, end: start + initrdBytes },
    seed: seedBytes(boot.rngSeed),
  });
  const tree = flattenTree(description, TREE_BYTES);
  if (tree === null)
    return {
      code: "device-tree-overflow",
      message: `the device tree, with the command line, exceeds ${TREE_BYTES} bytes`,
    };
  engine.writeRam(placed.kernel, files.kernel);
  if (files.initrd !== null) engine.writeRam(placed.initrd, files.initrd);
  engine.writeRam(placed.tree, tree);
  return {
    entry: BigInt(layout.RAM_BASE + placed.kernel),
    tree: BigInt(layout.RAM_BASE + placed.tree),
  };
}
