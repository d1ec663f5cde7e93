// The programs of samples/board and the machines they are made for.

import { readFileSync } from "node:fs";
import { CompiledEngine } from "../../compiled/index.ts";
import type { Engine } from "../../engine.ts";
import { ReferenceEngine } from "../../reference/index.ts";
import { image } from "../../testing/image.ts";
import { Board } from "../board.ts";
import type { BoardConfig } from "../config.ts";
import type { Timed } from "./host.ts";

const MEMORY_MIB = 1;

export interface Program {
  readonly name: string;
  readonly config: BoardConfig;
  readonly typed: readonly Timed[];
  /** What it prints. */
  readonly prints: readonly string[];
}

type Settings = Partial<BoardConfig> & { readonly firmware?: boolean };

const machine = (name: string, { firmware = false, ...settings }: Settings): BoardConfig => ({
  harts: 1,
  memoryMiB: MEMORY_MIB,
  quantum: 500,
  instructionsPerSecond: 100_000_000,
  disks: [],
  nics: [],
  rng: false,
  virtioConsole: false,
  boot: { kind: "elf", file: name, firmware },
  ...settings,
});

const typed = (at: number, text: string, port: "serial" | "virtio" = "serial"): Timed => ({
  at,
  input: { kind: "console", port, bytes: new TextEncoder().encode(text) },
});

const disk = { id: "disk-of-tests", sectors: 64 };
const nic = { id: "nic0", mac: "52:54:00:12:34:56" };

export const PROGRAMS: readonly Program[] = [
  {
    name: "timer",
    config: machine("timer", {}),
    typed: [],
    prints: ["ticks 10", "clock 10", "done"],
  },
  {
    name: "echo",
    config: machine("echo", {}),
    typed: [typed(40_000, "hello\nwor"), typed(60_000, "ld\n"), typed(61_000, "\n")],
    prints: ["type", "> hello", "> world", "> ", "lines 3"],
  },
  {
    name: "block",
    config: machine("block", { disks: [disk] }),
    typed: [],
    prints: ["sectors 64", "identity disk-of-tests", "interrupts 12"],
  },
  {
    name: "net",
    config: machine("net", { nics: [nic] }),
    typed: [],
    prints: ["frame 14", "frame 314", "frame 1514"],
  },
  {
    name: "random",
    config: machine("random", { rng: true, virtioConsole: true }),
    typed: [typed(50_000, "Typed", "virtio")],
    prints: ["random ", "tYPED"],
  },
  {
    name: "hostile",
    config: machine("hostile", { disks: [disk] }),
    typed: [],
    prints: ["loop", "below RAM", "queue misplaced", "works"],
  },
  {
    name: "accessed",
    config: machine("accessed", {}),
    typed: [],
    prints: ["accessed ", "dirty ", "sum "],
  },
  {
    name: "smp",
    config: machine("smp", { harts: 4 }),
    typed: [],
    prints: ["harts 4", "counted 800"],
  },
  {
    name: "firmware",
    config: machine("firmware", { harts: 3, firmware: true }),
    typed: [],
    prints: ["harts 3", "debug console", "!"],
  },
  {
    name: "calls",
    config: machine("calls", { harts: 2, firmware: true, memoryMiB: 4 }),
    typed: [],
    prints: ["it was given 40", "it stopped", "end"],
  },
];

export const fileOf = (name: string): Uint8Array =>
  readFileSync(new URL(`../../samples/board/${name}.elf`, import.meta.url));

export function engineFor(kind: Engine["kind"], { config }: Program, codePages = 64): Engine {
  const options = { ramBytes: config.memoryMiB * 2 ** 20, harts: config.harts };
  return kind === "reference"
    ? new ReferenceEngine(options)
    : new CompiledEngine({ ...options, module: image, codePages });
}

/** A machine at power-on. */
export function powerOn(kind: Engine["kind"], program: Program): Board {
  const files = new Map([[program.name, fileOf(program.name)]]);
  const made = Board.create(engineFor(kind, program), program.config, files);
  if (!made.ok) throw new Error(made.problem.message);
  return made.board;
}
