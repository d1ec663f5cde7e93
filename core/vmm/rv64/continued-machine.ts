/**
 * A run of a real machine that goes on elsewhere from a copy: the same machine, at the same progress,
 * in another entity on another host.
 *
 * Must hold: it takes the place of the former instance in one event, in which it also has its disks;
 * what the former one did beyond the copy never happened, as far as anybody outside can tell.
 */
import type { rv64 } from "../../guest/index.ts";
import { followDriver } from "../integrity/follow.ts";
import { stunAgain } from "../stun-by-hand.ts";
import { standAgain } from "../integrity/standing.ts";
import { knownMemory } from "../pages/memory-state.ts";
import { announce } from "../policy.ts";
import { machineRecord } from "./inputs.ts";
import { type MachineCopy, machineConfig, type MachineEntity, RAM } from "./machine-state.ts";
import { performMachine } from "./outputs.ts";
import { typeLater } from "./typing.ts";

/** In the event in which it gets its disks. True: it is at a reset, and has to be booted. */
export function goOnMachine(self: MachineEntity, copy: MachineCopy): boolean {
  const durable = machineRecord(self).editDurable();
  const { world, simulatedNs: nowNs } = self;
  const state = self.edit();
  state.goesOnFrom = null;
  if (durable.power === "off" || durable.run !== copy.run) return false;
  durable.instance = self.id;
  durable.host = world.registry.domain(self.domain).name;
  state.startedNs = nowNs - copy.nowNs;
  state.toNs = nowNs;
  state.boots = copy.boots;
  state.console = copy.console;
  announce(self, "taken-over");
  if (copy.board === null) return true;
  const keeper = world.entity(self.parent);
  world.memories.rename(`${keeper.name}#${RAM}`, `${self.name}#${RAM}`);
  state.board = copy.board as never;
  state.clock = { sinceNs: nowNs, from: copy.board.progress };
  state.typing = copy.typing;
  followDriver(self);
  if (copy.alerts !== undefined) knownMemory(self)!.edit().tables!.alerts = copy.alerts as never;
  if (copy.exit !== null || copy.alerts !== undefined)
    state.exit = { atNs: nowNs, outputs: copy.exit ?? [], isScheduled: false } as never;
  for (const asked of Object.values(copy.open)) performMachine(self, asked as rv64.BoardOutput);
  const { typed } = machineConfig(self);
  // What was typed and did not arrive is typed again.
  typed.slice(copy.typed, copy.typing.next).forEach((each) => typeLater(self, each));
  standAgain(self as never);
  stunAgain(self as never);
  return false;
}
