// What a machine is made of, as data, and what is wrong with it. The files it boots are named here by their SHA-256 and
// handed over as bytes (boot.ts), because core reads no files.

import { MAX_HARTS } from "../layout.ts";
import { TIMEBASE_HZ } from "./memory-map.ts";

/** An ELF starts at its entry: in machine mode, or in supervisor mode when the host is the firmware. */
export interface ElfBoot {
  readonly kind: "elf";
  /** SHA-256 of the file, in hexadecimal. */
  readonly file: string;
  /** True: supervisor mode, the host answers SBI calls, hart 0 runs and the others wait for HSM. */
  readonly firmware: boolean;
}

/** A Linux `Image` starts in supervisor mode, the host answers SBI calls. */
export interface LinuxBoot {
  readonly kind: "linux";
  readonly kernel: string;
  /** null: no initial RAM disk. */
  readonly initrd: string | null;
  readonly commandLine: string;
  /** Up to 64 bytes in hexadecimal from which the guest's random numbers start; null: it has to find some. */
  readonly rngSeed: string | null;
}

export type BoardConfig = {
  /** 1 to 8. */
  readonly harts: number;
  /** 1 to 2,048. */
  readonly memoryMiB: number;
  /** Instructions a hart runs before the next one's turn: part of the architecture. At least 64. */
  readonly quantum: number;
  /** How much progress makes one second of the guest's clock. */
  readonly instructionsPerSecond: number;
  readonly disks: readonly { readonly id: string; readonly sectors: number }[];
  readonly nics: readonly { readonly id: string; readonly mac: string }[];
  readonly rng: boolean;
  /** A virtio console beside the UART. */
  readonly virtioConsole: boolean;
  readonly boot: ElfBoot | LinuxBoot;
};

/** Why a machine cannot be built or booted. */
export type BoardProblem = {
  readonly code:
    | "bad-config"
    | "bad-elf"
    | "bad-kernel"
    | "kernel-missing"
    | "kernel-too-large"
    | "initrd-missing"
    | "initrd-too-large"
    | "device-tree-overflow";
  readonly message: string;
};

export const MOST_MEMORY_MIB = 2048;
export const LEAST_QUANTUM = 64;
export const MOST_VIRTIO_DEVICES = 8;
/** Keeps progress * numerator below 2^64 for every safe integer. */
const MOST_NUMERATOR = 2048n;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

const bad = (message: string): BoardProblem => ({ code: "bad-config", message });

/** The first thing wrong with a configuration, or null. */
export function configProblem(config: BoardConfig): BoardProblem | null {
  const { harts, memoryMiB, quantum, instructionsPerSecond } = config;
  const whole = (value: number, least: number, most: number): boolean =>
    Number.isSafeInteger(value) && value >= least && value <= most;
  if (!whole(harts, 1, MAX_HARTS)) return bad(`harts is ${harts}, expected 1 to ${MAX_HARTS}`);
  if (!whole(memoryMiB, 1, MOST_MEMORY_MIB))
    return bad(`memoryMiB is ${memoryMiB}, expected 1 to ${MOST_MEMORY_MIB}`);
  if (!whole(quantum, LEAST_QUANTUM, 1e9))
    return bad(`quantum is ${quantum}, expected ${LEAST_QUANTUM} to 1,000,000,000 instructions`);
  if (!whole(instructionsPerSecond, 1, 1e12))
    return bad(`instructionsPerSecond is ${instructionsPerSecond}, expected 1 to 10^12`);
  if (timeRatio(config).numerator > MOST_NUMERATOR)
    return bad(
      `instructionsPerSecond is ${instructionsPerSecond}: its ratio to the clock of ${TIMEBASE_HZ} Hz is too fine`,
    );
  return deviceProblem(config);
}

function deviceProblem(config: BoardConfig): BoardProblem | null {
  const devices = config.disks.length + config.nics.length;
  const others = (config.rng ? 1 : 0) + (config.virtioConsole ? 1 : 0);
  if (devices + others > MOST_VIRTIO_DEVICES)
    return bad(`${devices + others} virtio devices, at most ${MOST_VIRTIO_DEVICES} fit`);
  for (const list of [config.disks, config.nics]) {
    const ids = list.map(({ id }) => id);
    const twice = ids.find((id, i) => ids.indexOf(id) !== i);
    if (twice !== undefined) return bad(`two devices are called ${twice}`);
  }
  for (const { id, sectors } of config.disks)
    if (!Number.isSafeInteger(sectors) || sectors < 1)
      return bad(`disk ${id} has ${sectors} sectors`);
  for (const { id, mac } of config.nics)
    if (!MAC.test(mac)) return bad(`nic ${id}: ${mac} is no MAC address`);
  return null;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}

/** Clock ticks per unit of progress, as a reduced ratio. */
export function timeRatio(config: BoardConfig): {
  readonly numerator: bigint;
  readonly denominator: bigint;
} {
  const ticks = BigInt(TIMEBASE_HZ);
  const instructions = BigInt(config.instructionsPerSecond);
  const divisor = greatestCommonDivisor(ticks, instructions);
  return { numerator: ticks / divisor, denominator: instructions / divisor };
}
