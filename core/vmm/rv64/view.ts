/**
 * What `inspect` shows of a real guest below `machine`: registers, memory, code, page tables, with the
 * names of the program that it boots.
 */
import type { Viewed } from "../../kernel/index.ts";
import { rv64 } from "../../guest/index.ts";
import type { Machines } from "./live-machine.ts";
import { liveMachine, machineConfig, type MachineEntity } from "./machine-state.ts";

/** Symbols of the ELF file that it boots; a Linux Image has none. */
export function machineSymbols(self: MachineEntity, machines: Machines): rv64.Symbols {
  const { boot } = machineConfig(self).board;
  return rv64.symbolsOf(machines.file(boot.kind === "elf" ? boot.file : boot.kernel));
}

export function viewMachine(
  self: MachineEntity,
  path: readonly string[],
  machines: Machines | undefined,
): Viewed | undefined {
  const [first, ...rest] = path;
  if (first !== "machine" || machines === undefined) return undefined;
  const { board } = self.volatile;
  if (board === null) return { ok: false, message: "it has not been started" };
  self.world.advancing.settle();
  const { engine } = liveMachine(self);
  const symbols = machineSymbols(self, machines);
  const { progress } = self.volatile.board!;
  return rv64.inspectMachine({ engine, symbols, progress }, rest);
}
