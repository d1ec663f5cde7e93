// A board's devices without a board: what they put out is collected.

import { ReferenceEngine } from "../../reference/index.ts";
import { Bus } from "../bus.ts";
import type { BoardConfig } from "../config.ts";
import type { Emission, Halt } from "../contract.ts";
import { initialState } from "../state.ts";
import type { Surroundings } from "../surroundings.ts";

export const RAM_BYTES = 64 * 1024;

export const CONFIG: BoardConfig = {
  harts: 2,
  memoryMiB: 1,
  quantum: 100,
  instructionsPerSecond: 1_000_000_000,
  disks: [{ id: "disk", sectors: 16 }],
  nics: [{ id: "nic", mac: "52:54:00:00:00:01" }],
  rng: true,
  virtioConsole: true,
  boot: { kind: "elf", file: "none", firmware: true },
};

export function devicesAlone() {
  const engine = new ReferenceEngine({ ramBytes: RAM_BYTES, harts: CONFIG.harts });
  const emissions: Emission[] = [];
  const printed: number[] = [];
  const halts: Halt[] = [];
  const around: Surroundings = {
    engine,
    config: CONFIG,
    state: initialState(CONFIG),
    emit: (output) => void emissions.push(output),
    print: (_, bytes) => void printed.push(...bytes),
    halt: (halt) => void halts.push(halt),
    integrityChanged: () => {},
  };
  return { engine, around, bus: new Bus(around), emissions, printed, halts };
}
