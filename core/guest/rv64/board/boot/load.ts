// Puts what a machine boots into its RAM and its harts where they begin.

import type { Engine } from "../../engine.ts";
import { readElf } from "../../elf.ts";
import * as layout from "../../layout.ts";
import { Machine } from "../../machine.ts";
import {
  type BoardConfig,
  type BoardProblem,
  type ElfBoot,
  type LinuxBoot,
  timeRatio,
} from "../config.ts";
import { isProblem, loadLinux } from "./linux.ts";
import type { BoardState } from "../state.ts";
import { enterSupervisor } from "../supervisor-entry.ts";

/** The files that `boot` names, by SHA-256. */
export type BootFiles = ReadonlyMap<string, Uint8Array>;

const TOHOST = "tohost";

/** Only hart 0 runs; the others wait for SBI HSM. */
function startAsFirmware(engine: Engine, state: BoardState, entry: bigint, argument: bigint): void {
  state.harts = state.harts.map((_, hart) => (hart === 0 ? "started" : "stopped"));
  enterSupervisor(engine, 0, entry, argument);
}

function loadElf(
  engine: Engine,
  boot: ElfBoot,
  files: BootFiles,
  state: BoardState,
): BoardProblem | null {
  const file = files.get(boot.file);
  if (file === undefined) return { code: "bad-elf", message: "the ELF file was not given" };
  const read = readElf(file, [TOHOST]);
  if (!read.ok) return read.problem;
  const machine = new Machine(engine);
  const problem = machine.loadElf(read.elf);
  if (problem !== null) return problem;
  const tohost = read.elf.symbols.get(TOHOST) ?? null;
  if (tohost !== null && machine.read(tohost, 8) === null)
    return { code: "bad-elf", message: "tohost lies outside RAM" };
  state.tohost = tohost === null ? null : Number(tohost);
  if (boot.firmware) startAsFirmware(engine, state, read.elf.entry, 0n);
  return null;
}

function startLinux(
  engine: Engine,
  config: BoardConfig,
  boot: LinuxBoot,
  files: BootFiles,
  state: BoardState,
): BoardProblem | null {
  const kernel = files.get(boot.kernel);
  if (kernel === undefined) return { code: "kernel-missing", message: "the kernel was not given" };
  const initrd = boot.initrd === null ? null : files.get(boot.initrd);
  if (initrd === undefined) return { code: "initrd-missing", message: "the initrd was not given" };
  const loaded = loadLinux(engine, config, boot, { kernel, initrd }, state.virtio.length);
  if (isProblem(loaded)) return loaded;
  startAsFirmware(engine, state, loaded.entry, loaded.tree);
  return null;
}

/** Loads into an engine whose RAM is zero; null when all is well. */
export function load(
  engine: Engine,
  config: BoardConfig,
  files: BootFiles,
  state: BoardState,
): BoardProblem | null {
  const { numerator, denominator } = timeRatio(config);
  for (let hart = 0; hart < config.harts; hart++) {
    engine.setWord(hart, layout.HART_TIME_NUMERATOR, numerator);
    engine.setWord(hart, layout.HART_TIME_DENOMINATOR, denominator);
  }
  const { boot } = config;
  if (boot.kind === "elf") return loadElf(engine, boot, files, state);
  return startLinux(engine, config, boot, files, state);
}
