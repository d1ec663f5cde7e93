/**
 * The files that real machines boot, and the machines that boot them: what kind of file it is, whether
 * it can be booted, and which engine runs it.
 */
import { rv64 } from "../../core/guest/index.ts";
import { assert, fromMs } from "../../core/kernel/index.ts";
import { type MachineConfig, type Machines, pagesOfFiles } from "../../core/vmm/index.ts";
import { readRv64Image } from "../rv64-image.ts";
import type {
  ResolvedRv64Guest,
  ResolvedScenario,
  ResolvedVm,
} from "../schema/scenario.generated.ts";
import { type Finding, finding, pointerTo } from "../validate/problem.ts";
import { SECTORS_PER_MIB } from "./fabric.ts";
import type { ScenarioInput } from "./inputs.ts";

const ELF_MAGIC = 0x7f454c46;
/** "RSC\x05" at byte 56 of a Linux Image, little-endian. */
const IMAGE_MAGIC = 0x05435352;
const IMAGE_MAGIC_AT = 56;
const MOST_SLICE = 10_000_000;

/** What a file is, by its first bytes. */
function kindOfFile(bytes: Uint8Array): "elf" | "linux" | undefined {
  if (bytes.length < IMAGE_MAGIC_AT + 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) === ELF_MAGIC) return "elf";
  return view.getUint32(IMAGE_MAGIC_AT, true) === IMAGE_MAGIC ? "linux" : undefined;
}

/** What keeps a VM from booting one of its files. */
export function bootFindings(
  document: ResolvedScenario,
  index: number,
  name: string,
  bytes: Uint8Array,
): readonly Finding[] {
  const guest = document.vms[index]!.guest as ResolvedRv64Guest;
  if (name !== guest.file) return [];
  const pointer = pointerTo("/vms", index, "guest", "file");
  const expected = "a 64-bit RISC-V ELF file or a Linux Image for RISC-V";
  const kind = kindOfFile(bytes);
  if (kind === undefined) return [finding(pointer, `${name} is neither`, expected)];
  if (kind === "linux") return [];
  const read = rv64.readElf(bytes);
  if (!read.ok) return [finding(pointer, `${name}: ${read.problem.message}`, expected)];
  if (guest.initrd === undefined) return [];
  const place = pointerTo("/vms", index, "guest", "initrd");
  return [finding(place, `${name} is an ELF file`, "a Linux Image beside it")];
}

/** Configuration of a real machine, as its guest specification holds it. */
export function machineConfigOf(
  document: ResolvedScenario,
  vm: ResolvedVm,
  guest: ResolvedRv64Guest,
  inputs: readonly ScenarioInput[],
): MachineConfig {
  const file = (name: string): ScenarioInput => {
    const found = inputs.find((each) => each.vm === vm.id && each.name === name);
    assert(found, () => `${vm.id} has no input ${name}`);
    return found;
  };
  const booted = file(guest.file);
  const { quantum, instructionsPerSecond, rng, virtioConsole, network, commandLine } = guest;
  const board: rv64.BoardConfig = {
    harts: vm.vcpus,
    memoryMiB: vm.memoryMiB,
    quantum,
    instructionsPerSecond,
    disks: vm.disks.map(({ id, sizeMiB }) => ({ id, sectors: sizeMiB * SECTORS_PER_MIB })),
    nics: network.map(({ mac }, at) => ({
      id: nicId(at),
      mac: mac ?? madeUpMac(document.vms.indexOf(vm), at),
    })),
    rng,
    virtioConsole,
    boot:
      kindOfFile(booted.bytes) === "elf"
        ? { kind: "elf", file: booted.sha256, firmware: guest.firmware }
        : {
            kind: "linux",
            kernel: booted.sha256,
            initrd: guest.initrd === undefined ? null : file(guest.initrd).sha256,
            commandLine,
            rngSeed: guest.rngSeed ?? null,
          },
  };
  return {
    board,
    peers: Object.fromEntries(network.map(({ to }, at) => [nicId(at), to])),
    typed: guest.typed.map(({ waitFor, delayMs, text }) => ({
      waitFor: waitFor ?? null,
      delayNs: fromMs(delayMs),
      text,
    })),
  };
}

const nicId = (at: number): string => `net${at}`;

/** Locally administered, and no other's in the document. */
function madeUpMac(vm: number, nic: number): string {
  const bytes = [0x02, 0x4f, 0x52, vm >> 8, vm & 255, nic];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** What the virtual machine monitor needs: files by hash, engines, the compiled one where built. */
export function machinesOf(inputs: readonly ScenarioInput[], slice = MOST_SLICE): Machines {
  const files = new Map(inputs.map(({ sha256, bytes }) => [sha256, bytes]));
  let module: Uint8Array | null | undefined;
  return {
    file: (sha256) => {
      const bytes = files.get(sha256);
      assert(bytes, () => `no file with SHA-256 ${sha256}`);
      return bytes;
    },
    pageOfFile: pagesOfFiles(files.values()),
    engine: (options) => {
      if (module === undefined) module = readRv64Image();
      if (module === null) return new rv64.ReferenceEngine(options);
      return new rv64.CompiledEngine({ ...options, module });
    },
    slice,
  };
}
